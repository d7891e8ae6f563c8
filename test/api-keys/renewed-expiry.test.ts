import { expect, test } from 'vitest';
import { call, createKey } from '../support/api.ts';
import { startService } from '../support/service.ts';
import { keysAtWorkos } from '../support/workos-keys.ts';

const DAY_MS = 86_400_000;
const api_keys = {
  prefixes: ['sk_'],
  expiry: { default: '90d', longest: '1y', extend: true, rotation: 'renew' as const },
};
const plans = [
  { name: 'team', key_limit: 10 },
  { name: 'short', key_limit: 10, max_expiry_days: 30 },
];
const service = await startService({}, { plans, product: { api_keys } });
const endless = await startService(
  {},
  { plans, product: { api_keys: { prefixes: ['sk_'], expiry: { rotation: 'renew' as const } } } },
);

const later = (days: number) => service.clock.advance(days * DAY_MS);
const daysUntil = (time: unknown) => (Date.parse(String(time)) - service.clock().getTime()) / DAY_MS;

async function rotated(on: typeof service, token: string, id: string) {
  const { status, body } = await call(on, 'POST', `/v1/api-keys/${id}/rotate`, { token, body: { grace_seconds: 60 } });
  expect(status).toBe(201);
  return body;
}

test('a rotated key lives as long again as the old one was made for, here and at WorkOS', async () => {
  const acme = await service.organizations.add({ status: 'active', plan: 'team' });
  const old = await createKey(service, await acme.session());
  later(89);
  const successor = await rotated(service, await acme.session(), old.id);
  expect(daysUntil(successor['expires_at'])).toBeCloseTo(90, 2);
  const atWorkos = (await keysAtWorkos(service, acme.id)).find(({ id }) => id === successor['id']);
  expect(atWorkos?.expires_at).toBe(successor['expires_at']);
});

test('a rotated key never lives longer than the product and the plan allow', async () => {
  const acme = await service.organizations.add({ status: 'active', plan: 'team' });
  const long = await createKey(service, await acme.session(), { expires_in: '1y' });
  later(300);
  const moved = { token: await acme.session(), body: { expires_in: '1y' } };
  expect((await call(service, 'PATCH', `/v1/api-keys/${long.id}`, moved)).status).toBe(200);
  const successor = await rotated(service, await acme.session(), long.id);
  expect(daysUntil(successor['expires_at'])).toBeCloseTo(365, 2);

  const globex = await service.organizations.add({ status: 'active', plan: 'short' });
  const short = await createKey(service, await globex.session());
  later(29);
  expect(daysUntil((await rotated(service, await globex.session(), short.id))['expires_at'])).toBeCloseTo(30, 2);
});

test('the successor of a key that never expires does not either', async () => {
  const acme = await endless.organizations.add({ status: 'active', plan: 'team' });
  const old = await createKey(endless, await acme.session());
  expect(await rotated(endless, await acme.session(), old.id)).toMatchObject({ expires_at: null });
});
