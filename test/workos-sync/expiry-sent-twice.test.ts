import { expect, test } from 'vitest';
import { call, createKey } from '../support/api.ts';
import { expireAtWorkos } from '../support/at-workos.ts';
import { startService } from '../support/service.ts';
import { makeStuck } from '../support/stuck.ts';
import { keysAtWorkos } from '../support/workos-keys.ts';

const HOUR_MS = 60 * 60_000;

const stuck = makeStuck();
const service = await startService({}, { at: stuck.at });

test('settle sends the expiry of a rotated key again when WorkOS moved it later before confirming', async () => {
  const acme = await service.organizations.add();
  const token = await acme.session();
  const key = await createKey(service, token);
  stuck.stopAt('rotate.expired');
  const rotation = call(service, 'POST', `/v1/api-keys/${key.id}/rotate`, { token, body: { grace_seconds: 3_600 } });
  await expect.poll(stuck.standing, { timeout: 15_000 }).toBe(1);
  await expireAtWorkos(service, key.id, new Date(service.clock().getTime() + 2 * HOUR_MS));
  await service.background.runOnce('events');
  stuck.release('goOn');
  expect((await rotation).status).toBe(201);
  await service.background.runOnce('settle');
  const row = await service.db('api_keys').where({ workos_id: key.id }).first();
  const there = (await keysAtWorkos(service, acme.id)).find(({ id }) => id === key.id);
  expect(there?.expires_at).toBe(row.expires_at.toISOString());
  expect(row.due_at).toBeNull();
});
