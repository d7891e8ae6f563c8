import { describe, expect, test } from 'vitest';
import { readProduct } from '../../src/product/read-product.ts';
import { call, createKey } from '../support/api.ts';
import { makeDashboardKey } from '../support/at-workos.ts';
import { restartWith } from '../support/restart.ts';
import { SERVICE_TOKEN, startService } from '../support/service.ts';
import type { Options, Service } from '../support/service.ts';

const ENV = { LATCHKEY_SECRET: 'a secret that outlives the restarts of these tests' };
const EVERSHELL = readProduct(new URL('../../config/evershell.yaml', import.meta.url));
type Said = NonNullable<Options['product']>;
type At = { url: string };

/** The configuration with another `read_only`. */
function withReadOnly(scopes: string[], said: Said = {}): Said {
  const sets = EVERSHELL.permission_sets.map((set) => (set.name === 'read_only' ? { ...set, scopes } : set));
  return { permission_sets: sets, ...said };
}
const WIDER = withReadOnly(['workspace:read', 'audit:read', 'tasks:write']);
const FOLLOWED: Said = { follow_permission_sets: true };
const BEFORE = ['workspace:read', 'audit:read'];

const shared = await startService(ENV);

/** Starts from a configuration that is recorded, without keys of earlier tests. */
async function started(said: Said = {}): Promise<Service> {
  await shared.db('api_keys').update({ expires_at: new Date(0) });
  return { ...shared, ...(await restarted(shared, said)) };
}
/** Starts with another configuration and records it. */
async function restarted(service: Service, said: Said) {
  const again = await restartWith(service, ENV, said);
  await again.background.runOnce('configuration');
  return again;
}
const scopesNow = async (at: At, key: string) =>
  (await call(at, 'POST', '/v1/api-keys/verify', { token: SERVICE_TOKEN, body: { key } })).body['scopes'];
const shown = async (at: At, token: string, id: string) =>
  (await call(at, 'GET', `/v1/api-keys/${id}`, { token })).body;
async function recordedOf(at: At, token: string, action = 'permission_set.changed') {
  const { body } = await call(at, 'GET', `/v1/audit-events?action=${action}`, { token });
  return body.data.map(({ details }) => details);
}

/** Counts how many of these get their event in batches of 20 organizations, some without keys, without exceeding `most`. */
async function inWholeBatches({ db }: Service, organizations: readonly { id: string }[], most: number) {
  const all = await db('tenants').orderBy('organization_id').pluck<string[]>('organization_id');
  const ids = new Set(organizations.map(({ id }) => id));
  let recorded = 0;
  for (let from = 0; from < all.length; from += 20) {
    const more = all.slice(from, from + 20).filter((id) => ids.has(id)).length;
    if (recorded + more > most) break;
    recorded += more;
  }
  return recorded;
}

const eventsOf = async ({ db }: Service) =>
  Number((await db('audit_events').where({ action: 'permission_set.changed' }).count('* as n'))[0]!['n']);
const waiting = async ({ db }: Service) =>
  Number((await db('configured_grants').whereNotNull('before_scopes').count('* as n'))[0]!['n']);

/** The audit log takes no further event of another set's change than those of the first batch. */
async function failAfterOneBatch(service: Service, run: () => Promise<void>): Promise<void> {
  const { db } = service;
  const most = (await eventsOf(service)) + 20;
  await db.raw(`
    create function refuse_more() returns trigger language plpgsql as $body$
    begin
      if (select count(*) from public.audit_events where action = 'permission_set.changed') > ${most} then
        raise exception 'no more' using errcode = 'admin_shutdown';
      end if;
      return null;
    end $body$;
    create trigger refuse_more after insert on audit_events for each statement execute function refuse_more();
  `);
  await expect(run()).rejects.toThrow('no more');
  await db.raw('drop trigger refuse_more on audit_events; drop function refuse_more();');
}

describe('a changed set that keys do not follow', () => {
  test('widens no existing key, and is audited so', async () => {
    const service = await started();
    const acme = await service.organizations.add();
    const token = await acme.session();
    const [key] = [await createKey(service, token), await createKey(service, token)];
    await createKey(service, token, { permission_set: 'full_access' });
    const again = await restarted(service, WIDER);
    expect(await scopesNow(again, key.value)).toEqual(BEFORE);
    expect(await shown(again, token, key.id)).toMatchObject({
      scopes: BEFORE,
      effective_scopes: BEFORE,
      scopes_follow_set: false,
    });
    expect((await createKey(again, token)) as object).toMatchObject({ scopes: [...BEFORE, 'tasks:write'] });
    expect(await recordedOf(again, token)).toEqual([
      {
        set: 'read_only',
        before: BEFORE,
        after: [...BEFORE, 'tasks:write'],
        followed: false,
        followed_before: false,
        keys_keep_scopes: true,
        keys: 2,
      },
    ]);
  });

  test('is audited once, however many replicas start however often', async () => {
    const service = await started();
    const acme = await service.organizations.add();
    const token = await acme.session();
    await createKey(service, token);
    const replicas = await Promise.all([1, 2, 3].map(() => restartWith(service, ENV, WIDER)));
    await Promise.all(replicas.map(({ background }) => background.runOnce('configuration')));
    const last = await restarted(service, WIDER);
    expect(await recordedOf(last, token)).toHaveLength(1);
    // And back.
    const back = await restarted(service, {});
    expect((await recordedOf(back, token)).map((details) => (details as { after: string[] }).after)).toEqual([
      BEFORE,
      [...BEFORE, 'tasks:write'],
    ]);
  });

  test('is not audited without an active key of the set, nor for another order of scopes', async () => {
    const service = await started();
    const [without, other] = [await service.organizations.add(), await service.organizations.add()];
    const token = await without.session();
    const revoked = await createKey(service, token);
    await call(service, 'DELETE', `/v1/api-keys/${revoked.id}`, { token });
    await createKey(service, await other.session());
    const reordered = await restarted(service, withReadOnly(BEFORE.toReversed()));
    expect(await recordedOf(reordered, await other.session())).toEqual([]);
    const again = await restarted(service, WIDER);
    expect(await recordedOf(again, token)).toEqual([]);
    expect(await recordedOf(again, await other.session())).toHaveLength(1);
  });
});

describe('a changed set that keys follow', () => {
  test('gives keys its current scopes, and none once it is removed', async () => {
    const service = await started(FOLLOWED);
    const acme = await service.organizations.add();
    const token = await acme.session();
    const key = await createKey(service, token);
    expect(await shown(service, token, key.id)).toMatchObject({ scopes_follow_set: true, effective_scopes: BEFORE });
    const wider = await restarted(service, { ...WIDER, ...FOLLOWED });
    expect(await scopesNow(wider, key.value)).toEqual([...BEFORE, 'tasks:write']);
    expect(await shown(wider, token, key.id)).toMatchObject({
      scopes: BEFORE,
      effective_scopes: [...BEFORE, 'tasks:write'],
    });
    const narrower = await restarted(service, withReadOnly(['audit:read'], FOLLOWED));
    expect(await scopesNow(narrower, key.value)).toEqual(['audit:read']);
    const sets = EVERSHELL.permission_sets.filter(({ name }) => name !== 'read_only');
    const gone = await restarted(service, { permission_sets: sets, ...FOLLOWED });
    expect(await scopesNow(gone, key.value)).toEqual([]);
    const recorded = (await recordedOf(gone, token)) as {
      before: string[];
      after: string[];
      keys_keep_scopes: boolean;
    }[];
    expect(recorded.map(({ after }) => after)).toEqual([[], ['audit:read'], [...BEFORE, 'tasks:write']]);
    expect(recorded.every(({ keys_keep_scopes: keep }) => !keep)).toBe(true);
  });

  test('is audited when keys begin to follow it', async () => {
    const service = await started();
    const acme = await service.organizations.add();
    const token = await acme.session();
    await createKey(service, token);
    const again = await restarted(service, FOLLOWED);
    expect(await recordedOf(again, token)).toMatchObject([
      { set: 'read_only', followed: true, followed_before: false },
    ]);
  });

  test('does not change keys with chosen scopes', async () => {
    const service = await started({ ...FOLLOWED, chosen_scopes: ['workspace:read', 'audit:read'] });
    const acme = await service.organizations.add();
    const token = await acme.session();
    const answer = await call(service, 'POST', '/v1/api-keys', { token, body: { label: 'own', scopes: BEFORE } });
    const there = await makeDashboardKey(service, acme.id, { permissions: BEFORE });
    const said = { ...WIDER, ...FOLLOWED, chosen_scopes: BEFORE };
    expect(await scopesNow(service, there.value)).toEqual(BEFORE);
    const again = await restarted(service, said);
    expect(await scopesNow(again, String(answer.body['value']))).toEqual(BEFORE);
    // It has the scopes of a set, and may have been made from scopes all the same.
    expect(await scopesNow(again, there.value)).toEqual(BEFORE);
    expect(await recordedOf(again, token)).toEqual([]);
  });
});

describe('a changed implication', () => {
  test('widens keys that have the scope, and is audited', async () => {
    const service = await started();
    const [acme, other] = [await service.organizations.add(), await service.organizations.add()];
    const token = await acme.session();
    const key = await createKey(service, token);
    await service
      .db('api_keys')
      .where({ workos_id: key.id })
      .update({ scopes: ['audit:read'] });
    const scopes = EVERSHELL.scopes.map((group) => ({
      ...group,
      scopes: group.scopes.map((scope) =>
        scope.name === 'audit:read' ? { ...scope, implies: ['apikeys:read', 'apikeys:write'] } : scope,
      ),
    }));
    const again = await restarted(service, { scopes });
    expect(await scopesNow(again, key.value)).toEqual(['audit:read', 'apikeys:read']);
    expect(await recordedOf(again, token, 'scope.implications_changed')).toEqual([
      { scope: 'audit:read', before: [], after: ['apikeys:read'], keys: 1 },
    ]);
    expect(await recordedOf(again, await other.session(), 'scope.implications_changed')).toEqual([]);
  });
});

describe('changed grants of many organizations', () => {
  test('are audited in batches, and after a crash by the next replica, once each', async () => {
    const service = await started();
    const organizations = await Promise.all(Array.from({ length: 25 }, () => service.organizations.add()));
    const before = await eventsOf(service);
    await Promise.all(organizations.map(async (one) => createKey(service, await one.session())));
    // The process dies after the whole batches that the first 20 events are in.
    const toTell = await inWholeBatches(service, organizations, 20);
    const stopping = await restartWith(service, ENV, WIDER);
    await failAfterOneBatch(service, () => stopping.background.runOnce('configuration'));
    expect((await eventsOf(service)) - before).toBe(toTell);
    expect(toTell).toBeGreaterThan(0);
    expect(await waiting(service)).toBe(1);
    const again = await restarted(service, WIDER);
    expect((await eventsOf(service)) - before).toBe(25);
    expect(await waiting(service)).toBe(0);
    expect(await recordedOf(again, await organizations[24]!.session())).toHaveLength(1);
  });

  test('are audited for both changes when the first was not finished', async () => {
    const service = await started();
    const organizations = await Promise.all(Array.from({ length: 22 }, () => service.organizations.add()));
    await Promise.all(organizations.map(async (one) => createKey(service, await one.session())));
    const before = await eventsOf(service);
    const stopping = await restartWith(service, ENV, WIDER);
    await failAfterOneBatch(service, () => stopping.background.runOnce('configuration'));
    await restarted(service, withReadOnly(['audit:read']));
    expect((await eventsOf(service)) - before).toBe(44);
  });
});
