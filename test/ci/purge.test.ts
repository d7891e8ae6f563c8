import { describe, expect, test } from 'vitest';
import { call, createKey, outcome, verifyKey } from '../support/api.ts';
import { startService } from '../support/service.ts';
import { failAt } from '../support/workos-faults.ts';
import { keysAtWorkos } from '../support/workos-keys.ts';
import { createPolicy, exchange, jobToken } from './ci.ts';

const service = await startService({ WORKOS_TIMEOUT_MS: '20000' });
const DAY_MS = 24 * 60 * 60_000;

async function setUp() {
  const acme = await service.organizations.add();
  const policy = await createPolicy(service, await acme.session(), { max_active_keys: 100 });
  const exchanged = async () => {
    const { body } = await exchange(service, { policy, token: await jobToken(service, acme) });
    return {
      id: (body['api_key'] as { id: string }).id,
      value: String(body['access_token']),
      revoke: body['revoke_token'],
    };
  };
  const here = async (): Promise<string[]> =>
    service.db('api_keys').where({ organization_id: acme.id }).orderBy('id').pluck('workos_id');
  const there = async () => (await keysAtWorkos(service, acme.id)).map(({ id }) => id);
  return { acme, policy, exchanged, here, there };
}

const run = (loop: string) => service.background.runOnce(loop);

/** What happens in days: the purge, the settler, WorkOS's events, and the purge again. */
async function purge() {
  for (const loop of ['purge_ci_keys', 'settle', 'events']) await run(loop);
  service.clock.advance(DAY_MS + 1_000);
  for (const loop of ['purge_ci_keys', 'events']) await run(loop);
}

describe('the purge of keys of CI jobs', () => {
  test('deletes what expired 30 days ago, here and at WorkOS, and nothing else', async () => {
    const { acme, exchanged, here, there } = await setUp();
    const expiresAt = new Date(service.clock().getTime() + 3_600_000).toISOString();
    const plain = await createKey(service, await acme.session(), { expires_at: expiresAt });
    const old = [await exchanged(), await exchanged()];
    service.clock.advance(20 * DAY_MS);
    const newer = await exchanged();
    const used = [...old, newer].map(({ id }) => ({ organization_id: acme.id, key_id: id, used_at: service.clock() }));
    await service.db('key_last_uses').insert(used);
    await purge();
    expect(await here()).toHaveLength(4);
    service.clock.advance(9 * DAY_MS + 3_700_000);
    await purge();
    expect(await here()).toEqual([plain.id, newer.id]);
    const lastUses = service.db('key_last_uses').where({ organization_id: acme.id });
    expect(await lastUses.pluck('key_id')).toEqual([newer.id]);
    expect(new Set(await there())).toEqual(new Set([plain.id, newer.id]));
    expect((await verifyKey(service, { key: old[0]!.value })).body).toMatchObject({ valid: false });
    const { body } = await call(service, 'GET', '/v1/audit-events?action=api_key.revoked', {
      token: await acme.session(),
    });
    expect(body.data.map(({ actor, details }) => [actor, details])).toEqual(
      old.map(() => [
        { kind: 'system', id: 'purge_ci_keys', name: null },
        { label: 'CI: deploy', reason: 'expired' },
      ]),
    );
  });

  test('keeps a key here until WorkOS has deleted it', async () => {
    const { acme, exchanged, here } = await setUp();
    const { id } = await exchanged();
    service.clock.advance(31 * DAY_MS);
    failAt(service, 'delete', { kind: 'status', status: 503, times: 0 });
    await purge();
    expect(await here()).toEqual([id]);
    service.workos.faults.clear();
    await run('settle');
    await purge();
    expect([await here(), await keysAtWorkos(service, acme.id)]).toEqual([[], []]);
  });

  test('deletes a key that its job revoked', async () => {
    const { exchanged, here } = await setUp();
    const { revoke } = await exchanged();
    await call(service, 'POST', '/v1/ci/revoke', { body: { revoke_token: revoke } });
    await run('purge_ci_keys');
    expect(await here()).toHaveLength(1);
    service.clock.advance(31 * DAY_MS);
    await run('purge_ci_keys');
    expect(await here()).toEqual([]);
  });

  test('leaves a token used up whose key is purged', async () => {
    const { acme, policy, here } = await setUp();
    const exp = Math.floor(service.clock().getTime() / 1_000) + 30 * 86_400 + 86_000;
    const token = await jobToken(service, acme, { exp });
    await exchange(service, { policy, token, body: { lifetime_seconds: 60 } });
    await service
      .db('api_keys')
      .where({ organization_id: acme.id })
      .update({ expires_at: new Date(0) });
    for (const loop of ['purge_ci_keys', 'settle']) await run(loop);
    service.clock.advance(DAY_MS + 1_000);
    await run('purge_ci_keys');
    expect(await here()).toEqual([]);
    expect(outcome(await exchange(service, { policy, token }))).toEqual([409, 'ci_token_used']);
  });
});
