import { afterEach, describe, expect, test } from 'vitest';
import { outcome } from '../support/api.ts';
import { startService } from '../support/service.ts';
import { makeStuck } from '../support/stuck.ts';
import { keysAtWorkos } from '../support/workos-keys.ts';
import { createPolicy, exchange, jobToken } from './ci.ts';

const TIMEOUT_MS = 20_000;
const LOCK_MS = 2 * TIMEOUT_MS + 1_000;
const stuck = makeStuck();
const service = await startService({ WORKOS_TIMEOUT_MS: String(TIMEOUT_MS) }, { at: stuck.at });

afterEach(() => stuck.release());

async function setUp() {
  const acme = await service.organizations.add();
  // One place: an orphan would hold it.
  const policy = await createPolicy(service, await acme.session(), { max_active_keys: 1 });
  const token = await jobToken(service, acme, { exp: Math.floor(service.clock().getTime() / 1_000) + 3_600 });
  return { acme, policy, token };
}

/** Sends a request that stops at a point and never answers. */
async function dieAt(point: string, send: () => Promise<unknown>): Promise<void> {
  stuck.stopAt(point);
  send().catch(() => undefined);
  await expect.poll(() => stuck.standing(), { timeout: 15_000 }).toBe(1);
  stuck.release();
}

describe('POST /v1/ci/exchange after a crash', () => {
  test.each(['create.before_reserve', 'create.reserved', 'create.issued'])(
    'leaves no key of a request that died at %s, and frees its token',
    async (point) => {
      const { acme, policy, token } = await setUp();
      await dieAt(point, () => exchange(service, { policy, token }));
      service.clock.advance(LOCK_MS);
      await service.background.runOnce('settle');
      expect(await keysAtWorkos(service, acme.id)).toEqual([]);
      const retry = await exchange(service, { policy, token });
      expect(outcome(retry)).toEqual([200, undefined]);
      const { id } = retry.body['api_key'] as { id: string };
      expect((await keysAtWorkos(service, acme.id)).map((key) => key.id)).toEqual([id]);
    },
  );

  test.each(['create.reserved', 'create.issued'])(
    'holds the token of a request that stands at %s, which then makes the only key',
    async (point) => {
      const { acme, policy, token } = await setUp();
      stuck.stopAt(point);
      const slow = exchange(service, { policy, token });
      await expect.poll(() => stuck.standing(), { timeout: 15_000 }).toBe(1);
      stuck.stopAt('nowhere');
      expect(outcome(await exchange(service, { policy, token }))).toEqual([409, 'request_in_progress']);
      stuck.release('goOn');
      expect(outcome(await slow)).toEqual([200, undefined]);
      expect(outcome(await exchange(service, { policy, token }))).toEqual([409, 'ci_token_used']);
      expect(await keysAtWorkos(service, acme.id)).toHaveLength(1);
    },
  );

  test('gives the key of a request that died after its commit to the retry with its Idempotency-Key', async () => {
    const { acme, policy, token } = await setUp();
    await dieAt('create.activated', () => exchange(service, { policy, token, idempotencyKey: 'job' }));
    expect(outcome(await exchange(service, { policy, token }))).toEqual([409, 'ci_token_used']);
    const retry = await exchange(service, { policy, token, idempotencyKey: 'job' });
    expect(outcome(retry)).toEqual([200, undefined]);
    const { id } = retry.body['api_key'] as { id: string };
    expect((await keysAtWorkos(service, acme.id)).map((key) => key.id)).toEqual([id]);
  });

  test.each(['create.before_reserve', 'create.reserved', 'create.issued'])(
    'makes one key when a request taken for dead at %s goes on beside its retry',
    async (point) => {
      const { acme, policy, token } = await setUp();
      stuck.stopAt(point);
      const slow = exchange(service, { policy, token, idempotencyKey: 'slow' });
      await expect.poll(() => stuck.standing(), { timeout: 15_000 }).toBe(1);
      service.clock.advance(LOCK_MS);
      stuck.stopAt('nowhere');
      const retry = await exchange(service, { policy, token, idempotencyKey: 'slow' });
      expect(outcome(retry)).toEqual([200, undefined]);
      stuck.release('goOn');
      expect([409, 503]).toContain((await slow).status);
      await service.background.runOnce('settle');
      const { id } = retry.body['api_key'] as { id: string };
      expect((await keysAtWorkos(service, acme.id)).map((key) => key.id)).toEqual([id]);
    },
  );
});

test('forgets the uses of expired tokens', async () => {
  const { acme, policy, token } = await setUp();
  await exchange(service, { policy, token });
  const uses = () => service.db('ci_token_uses').where({ organization_id: acme.id });
  await service.background.runOnce('sweep_ci_tokens');
  expect(await uses()).toHaveLength(1);
  service.clock.advance(3_600_000 + 60_000);
  await service.background.runOnce('sweep_ci_tokens');
  expect(await uses()).toEqual([]);
});
