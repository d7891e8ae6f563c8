import { describe, expect, test } from 'vitest';
import { call, createKey, outcome, requestKey } from '../support/api.ts';
import { startService } from '../support/service.ts';
import { keysAtWorkos } from '../support/workos-keys.ts';

const service = await startService();

async function tally(token: string, requests: number): Promise<Record<string, number>> {
  const answers = await Promise.all(Array.from({ length: requests }, () => requestKey(service, token)));
  const groups = Map.groupBy(answers, (answer) => outcome(answer).join(' ').trim());
  return Object.fromEntries([...groups].map(([what, group]) => [what, group.length]));
}

describe('POST /v1/api-keys up to the quota of active keys', () => {
  test('creates one key of 50 concurrent requests for the last one of the quota', async () => {
    const acme = await service.organizations.add();
    const owner = await acme.session();
    for (let i = 0; i < 9; i++) await createKey(service, owner);
    expect(await tally(owner, 50)).toEqual({ '201': 1, '409 key_limit_reached': 49 });
    expect(await keysAtWorkos(service, acme.id)).toHaveLength(10);
  });

  test('creates ten keys of 50 concurrent requests for a quota of ten', async () => {
    const acme = await service.organizations.add();
    expect(await tally(await acme.session(), 50)).toEqual({ '201': 10, '409 key_limit_reached': 40 });
    expect(await keysAtWorkos(service, acme.id)).toHaveLength(10);
  });

  test('applies the limit of the plan', async () => {
    const acme = await service.organizations.add({ status: 'active', plan: 'scale' });
    const owner = await acme.session();
    for (let i = 0; i < 11; i++) await createKey(service, owner);
    const { body } = await call(service, 'GET', '/v1/organization', { token: owner });
    expect(body).toMatchObject({ plan: 'scale', limits: { api_keys: 100 }, usage: { api_keys: 11 } });
  });

  test('does not count revoked and expired keys', async () => {
    const acme = await service.organizations.add();
    const owner = await acme.session();
    const expiresAt = new Date(service.clock().getTime() + 60_000).toISOString();
    const first = await createKey(service, owner);
    await createKey(service, owner, { expires_at: expiresAt });
    for (let i = 0; i < 8; i++) await createKey(service, owner);
    expect(outcome(await requestKey(service, owner))).toEqual([409, 'key_limit_reached']);
    await call(service, 'DELETE', `/v1/api-keys/${first.id}`, { token: owner });
    await createKey(service, owner);
    expect(outcome(await requestKey(service, owner))).toEqual([409, 'key_limit_reached']);
    service.clock.advance(60_000);
    await createKey(service, owner);
    expect(outcome(await requestKey(service, owner))).toEqual([409, 'key_limit_reached']);
  });

  test('counts each organization apart', async () => {
    const [acme, other] = [await service.organizations.add(), await service.organizations.add()];
    for (let i = 0; i < 10; i++) await createKey(service, await acme.session());
    await createKey(service, await other.session());
    const { body } = await call(service, 'GET', '/v1/organization', { token: await other.session() });
    expect(body['usage']).toMatchObject({ api_keys: 1 });
  });
});
