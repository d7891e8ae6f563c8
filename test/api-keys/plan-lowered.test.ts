import { beforeEach, describe, expect, test } from 'vitest';
import { call, createKey, outcome, requestKey } from '../support/api.ts';
import { SERVICE_TOKEN, startService } from '../support/service.ts';
import { keysAtWorkos } from '../support/workos-keys.ts';

type Held = { at: string; reached: () => void; go: Promise<void> };

let held: Held | undefined;
const service = await startService(
  {},
  {
    async at(name) {
      if (name !== held?.at) return;
      const { reached, go } = held;
      held = undefined;
      reached();
      await go;
    },
  },
);
beforeEach(() => (held = undefined));

/** Ten keys, as many as the plan `standard` has, and an eleventh that is held on its way while the plan is lowered to that. */
async function lowerDuring(at: string) {
  const acme = await service.organizations.add({ status: 'active', plan: 'scale' });
  const owner = await acme.session();
  for (let i = 0; i < 10; i++) await createKey(service, owner);
  const [reached, go] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
  held = { at, reached: reached.resolve, go: go.promise };
  const creating = requestKey(service, owner, { label: 'late' });
  await reached.promise;
  const body = { status: 'active', plan: 'standard' };
  const lowered = await call(service, 'PUT', `/v1/organizations/${acme.id}/billing`, { token: SERVICE_TOKEN, body });
  go.resolve();
  const answer = await creating;
  expect(lowered.status).toBe(200);
  const { body: shown } = await call(service, 'GET', '/v1/organization', { token: owner });
  const next = outcome(await requestKey(service, owner, { label: 'late' }));
  return {
    answer,
    next,
    limits: shown['limits'],
    usage: shown['usage'],
    atWorkos: await keysAtWorkos(service, acme.id),
  };
}

describe('POST /v1/api-keys while the plan is lowered', () => {
  test('refuses a create whose row is not yet inserted', async () => {
    const { answer, next, limits, usage, atWorkos } = await lowerDuring('create.before_reserve');
    expect(outcome(answer)).toEqual([409, 'key_limit_reached']);
    expect([limits, usage]).toMatchObject([{ api_keys: 10 }, { api_keys: 10 }]);
    expect(atWorkos).toHaveLength(10);
    expect(next).toEqual([409, 'key_limit_reached']);
  });

  test.each(['create.reserved', 'create.issued'])(
    'finishes a create that is past %s, and refuses the next one',
    async (at) => {
      const { answer, next, limits, usage, atWorkos } = await lowerDuring(at);
      expect(answer.status).toBe(201);
      expect([limits, usage]).toMatchObject([{ api_keys: 10 }, { api_keys: 11 }]);
      expect(atWorkos).toHaveLength(11);
      expect(next).toEqual([409, 'key_limit_reached']);
    },
  );
});
