import { afterEach, expect, test } from 'vitest';
import { call, createKey } from '../support/api.ts';
import { atWorkos, signWebhook } from '../support/at-workos.ts';
import { startService } from '../support/service.ts';
import { makeStuck } from '../support/stuck.ts';
import { userKeysAtWorkos } from '../support/workos-keys.ts';

const SECRET = 'a webhook secret of the tests';
const TIMES = 10;
const stuck = makeStuck();
const service = await startService(
  { WORKOS_WEBHOOK_SECRET: SECRET },
  { product: { api_keys: { prefixes: ['sk_'], owners: ['organization', 'user'] } }, at: stuck.at },
);
const { db, clock, background } = service;
const MEMBERSHIPS = '/user_management/organization_memberships';

afterEach(() => stuck.release('goOn'));

/** By the latest webhook first, and then all of them in order. */
async function hear(): Promise<void> {
  const { data } = await atWorkos<{ data: { event: string }[] }>(service, 'GET', '/events?limit=100');
  const last = data.findLast(({ event }) => event === 'organization_membership.updated');
  const body = JSON.stringify(last);
  const headers = { 'workos-signature': signWebhook(SECRET, body) };
  expect((await call(service, 'POST', '/v1/hooks/workos', { body, headers })).status).toBe(200);
  await background.runOnce('events');
}

const POINTS = ['create.before_reserve', 'create.reserved', 'create.issued'];
// Out of order: the webhook of what came last overtakes all that the poller reads.
const ORDERS = ['in order', 'out of order'];

test.each(POINTS.flatMap((point) => ORDERS.map((order) => [point, order] as const)))(
  'revokes a key at %s whose membership ends and begins ten times, with events %s',
  async (point, order) => {
    const acme = await service.organizations.add();
    const userId = acme.userId('owner');
    const token = await acme.session('owner');
    const before = await createKey(service, token, { owner: 'user' });
    await background.runOnce('events');
    const { data } = await atWorkos<{ data: { id: string }[] }>(service, 'GET', `${MEMBERSHIPS}?user_id=${userId}`);
    const path = `${MEMBERSHIPS}/${data[0]!.id}`;

    stuck.stopAt(point);
    const body = { label: 'late', permission_set: 'read_only', owner: 'user' };
    const making = call(service, 'POST', '/v1/api-keys', { token, body });
    await expect.poll(stuck.standing, { interval: 5 }).toBe(1);
    for (let time = 0; time < TIMES; time++) {
      for (const verb of ['deactivate', 'reactivate']) {
        clock.advance(1_000);
        await atWorkos(service, 'PUT', `${path}/${verb}`);
      }
      if (order === 'in order') await background.runOnce('events');
    }
    await hear();
    clock.advance(1_000);
    stuck.release('goOn');
    const answer = await making;

    for (const loop of ['events', 'members', 'settle']) await background.runOnce(loop);
    const active = await db('api_keys').where({ organization_id: acme.id, status: 'active' }).pluck('workos_id');
    const there = (await userKeysAtWorkos(service, userId)).map(({ id }) => id);
    // What is begun in the last membership is of it, though it was asked for before.
    const isBegunSince = point === 'create.before_reserve';
    expect(answer.status).toBe(isBegunSince ? 201 : 503);
    expect([active, there]).toEqual(isBegunSince ? [[answer.body['id']], [answer.body['id']]] : [[], []]);
    expect(active).not.toContain(before.id);

    const next = await createKey(service, await acme.session('owner'), { owner: 'user' });
    await background.runOnce('events');
    expect((await userKeysAtWorkos(service, userId)).map(({ id }) => id)).toContain(next.id);
  },
);
