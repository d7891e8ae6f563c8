import { afterEach, describe, expect, test } from 'vitest';
import { call, createKey, outcome } from '../support/api.ts';
import type { Answer, CreatedKey } from '../support/api.ts';
import { expireAtWorkos, makeDashboardKey } from '../support/at-workos.ts';
import type { Organization } from '../support/organizations.ts';
import { SECRET, makeTestReconcile } from '../support/reconcile.ts';
import { startService } from '../support/service.ts';
import { makeStuck } from '../support/stuck.ts';
import { keysAtWorkos } from '../support/workos-keys.ts';

const stuck = makeStuck();
const service = await startService({ LATCHKEY_SECRET: SECRET, WORKOS_TIMEOUT_MS: '1500' }, { at: stuck.at });
const reconcile = makeTestReconcile(service);

const DAY_MS = 24 * 60 * 60 * 1_000;
const POINTS = ['rotate.before_reserve', 'rotate.reserved', 'rotate.issued'] as const;
const NARROW = ['workspace:read', 'audit:read'];
const PATCH = {
  label: 'restricted',
  description: 'one host only',
  metadata: { team: 'sre' },
  rate_limit: { limit: 1, window_seconds: 60 },
  concurrency: 1,
  ip_allow_list: ['192.0.2.1'],
};

afterEach(() => {
  stuck.release('goOn');
  service.workos.faults.clear();
});

const rotate = (token: string, id: string, headers: Record<string, string> = {}) =>
  call(service, 'POST', `/v1/api-keys/${id}/rotate`, { token, headers, body: { grace_seconds: 3_600 } });
const patch = async (token: string, id: string, body: object) => {
  expect(outcome(await call(service, 'PATCH', `/v1/api-keys/${id}`, { token, body }))).toEqual([200, undefined]);
};
const get = async (token: string, id: string) => (await call(service, 'GET', `/v1/api-keys/${id}`, { token })).body;
const activeIds = async ({ id }: Organization): Promise<string[]> =>
  service.db('api_keys').where({ organization_id: id, status: 'active' }).pluck('workos_id').then(inOrder);
const idsAtWorkos = async ({ id }: Organization) => inOrder((await keysAtWorkos(service, id)).map((key) => key.id));
const inOrder = (ids: readonly string[]) => ids.toSorted((a, b) => (a < b ? -1 : 1));

/** A rotation that stands at a point while something else happens. */
async function rotateBeside(
  point: string,
  token: string,
  id: string,
  beside: () => Promise<unknown>,
  headers: Record<string, string> = {},
): Promise<Answer> {
  stuck.stopAt(point);
  const rotation = rotate(token, id, headers);
  await expect.poll(stuck.standing, { interval: 5 }).toBe(1);
  await beside();
  stuck.release('goOn');
  return rotation;
}

/** Nothing was made: the old key goes on as it is, and neither WorkOS nor the mirror has another. */
async function expectUndone(acme: Organization, old: { id: string }, answer: Answer): Promise<void> {
  expect(outcome(answer)).toEqual([400, 'validation_error']);
  expect(answer.body.error.details).toMatchObject({ fields: { id: expect.stringMatching(/./) } });
  expect(await activeIds(acme)).toEqual([old.id]);
  expect(await idsAtWorkos(acme)).toEqual([old.id]);
  expect(await get(await acme.session(), old.id)).toMatchObject({ rotated_to: null });
}

describe.each(POINTS)('POST /v1/api-keys/{id}/rotate at %s', (point) => {
  test('gives the successor what a PATCH restricts, at once and in every answer', async () => {
    const acme = await service.organizations.add({ status: 'active', plan: 'scale' });
    const owner = await acme.session();
    const old = await createKey(service, owner, { label: 'open' });
    const headers = { 'idempotency-key': `beside-${point}` };
    const answer = await rotateBeside(point, owner, old.id, () => patch(owner, old.id, PATCH), headers);
    expect(outcome(answer)).toEqual([201, undefined]);
    const successor = answer.body as unknown as CreatedKey;
    expect(successor).toMatchObject(PATCH);
    expect(await get(owner, successor.id)).toMatchObject(PATCH);
    expect((await rotate(owner, old.id, headers)).body).toEqual(answer.body);
    const created = await service
      .db('audit_events')
      .where({ organization_id: acme.id, action: 'api_key.created', target_id: successor.id })
      .first('details');
    expect(created.details).toMatchObject({ label: 'restricted', ip_allow_list: ['192.0.2.1'], concurrency: 1 });
    const elsewhere = await call(service, 'GET', '/v1/me/session', { token: successor.value });
    expect(outcome(elsewhere)).toEqual([403, 'ip_not_allowed']);
  });

  test('does not give back scopes that are narrowed meanwhile', async () => {
    const acme = await service.organizations.add({ status: 'active', plan: 'scale' });
    const owner = await acme.session();
    const old = await makeDashboardKey(service, acme.id, { permissions: NARROW });
    await service.background.runOnce('events');
    const wide = { scopes: ['tasks:write', ...NARROW], permission_set: null };
    await service.db('api_keys').where({ workos_id: old.id }).update(wide);
    const answer = await rotateBeside(point, owner, old.id, async () => {
      await reconcile({ organizationId: acme.id });
      expect(await get(owner, old.id)).toMatchObject({ scopes: NARROW });
    });
    if (point !== 'rotate.before_reserve') return expectUndone(acme, old, answer);
    expect(answer.body).toMatchObject({ scopes: NARROW });
    for (const key of await keysAtWorkos(service, acme.id)) expect(key.permissions).toEqual(NARROW);
  });

  test('gives the successor an earlier expiry that a PATCH sets, or creates nothing', async () => {
    const acme = await service.organizations.add({ status: 'active', plan: 'scale' });
    const owner = await acme.session();
    const old = await createKey(service, owner, { expires_at: null });
    const end = new Date(service.clock().getTime() + DAY_MS).toISOString();
    const answer = await rotateBeside(point, owner, old.id, () => patch(owner, old.id, { expires_at: end }));
    if (point !== 'rotate.before_reserve') return expectUndone(acme, old, answer);
    expect(answer.body).toMatchObject({ expires_at: end });
    for (const key of await keysAtWorkos(service, acme.id))
      expect(Date.parse(String(key.expires_at))).toBeLessThanOrEqual(Date.parse(end));
  });

  test('gives the successor an earlier expiry from WorkOS, or creates nothing', async () => {
    const acme = await service.organizations.add({ status: 'active', plan: 'scale' });
    const owner = await acme.session();
    const old = await createKey(service, owner, { expires_at: null });
    const end = new Date(service.clock().getTime() + DAY_MS);
    const answer = await rotateBeside(point, owner, old.id, async () => {
      await expireAtWorkos(service, old.id, end);
      await service.background.runOnce('events');
      expect(await get(owner, old.id)).toMatchObject({ expires_at: end.toISOString() });
    });
    if (point !== 'rotate.before_reserve') return expectUndone(acme, old, answer);
    expect(answer.body).toMatchObject({ expires_at: end.toISOString() });
  });

  test('creates no successor of a key that is revoked meanwhile', async () => {
    const acme = await service.organizations.add();
    const owner = await acme.session();
    const old = await createKey(service, owner);
    const answer = await rotateBeside(point, owner, old.id, () =>
      call(service, 'DELETE', `/v1/api-keys/${old.id}`, { token: owner }),
    );
    expect(outcome(answer)).toEqual([400, 'validation_error']);
    expect([await activeIds(acme), await idsAtWorkos(acme)]).toEqual([[], []]);
  });

  test('creates one successor when two operators rotate at once', async () => {
    const acme = await service.organizations.add();
    const owner = await acme.session();
    const old = await createKey(service, owner);
    stuck.stopAt(point);
    const rotations = [rotate(owner, old.id), rotate(owner, old.id)];
    await expect.poll(stuck.standing, { interval: 5 }).toBe(2);
    stuck.release('goOn');
    const answers = await Promise.all(rotations);
    expect(answers.map(({ status }) => status).toSorted((a, b) => a - b)).toEqual([201, 400]);
    const successor = String(answers.find(({ status }) => status === 201)!.body['id']);
    const both = inOrder([old.id, successor]);
    expect([await activeIds(acme), await idsAtWorkos(acme)]).toEqual([both, both]);
    expect(await get(owner, old.id)).toMatchObject({ rotated_to: successor });
  });
});

describe('POST /v1/api-keys/{id}/rotate beside a PATCH', () => {
  test('gives the successor a restriction from any millisecond of the rotation', async () => {
    const acme = await service.organizations.add({ status: 'active', plan: 'scale' });
    const owner = await acme.session();
    const path = '/organizations/:id/api_keys';
    service.workos.faults.add({ kind: 'latency', ms: 300, method: 'POST', path, times: 0 });
    const old = await createKey(service, owner);
    const rotation = rotate(owner, old.id);
    const done = new AbortController();
    void rotation.finally(() => done.abort());
    for (let n = 1; !done.signal.aborted && n < 250; n++)
      await patch(owner, old.id, { ip_allow_list: [`192.0.2.${n}`] });
    const { status, body } = await rotation;
    expect(status).toBe(201);
    // The audit log has them in the order in which they were committed.
    const events = await service.db('audit_events').where({ organization_id: acme.id }).orderBy('sequence');
    const before = events.slice(
      0,
      events.findIndex(({ action }) => action === 'api_key.rotated'),
    );
    const patches = before.filter(({ action }) => action === 'api_key.updated');
    expect(patches.length).toBeGreaterThan(2);
    expect(body).toMatchObject({ ip_allow_list: patches.at(-1).details.ip_allow_list });
    expect(await get(owner, String(body['id']))).toMatchObject({ ip_allow_list: body['ip_allow_list'] });
  });
});
