import { describe, expect, test } from 'vitest';
import { call, createKey, outcome } from '../support/api.ts';
import { startTestEnvironment } from '../support/test-environment.ts';
import { deliver, outboxOf, startWebhookService } from './webhook-service.ts';
import { startReceiver } from './receiver.ts';

const crm = await startReceiver();
const there = await startTestEnvironment();
const service = await startWebhookService({
  endpoints: [{ name: 'crm', url: crm.url, secrets: [crm.secret] }],
  product: {
    api_keys: {
      prefixes: ['sk_'],
      format: { live: 'msk_live_', test: 'msk_test_', checksum: true },
      owners: ['organization', 'user'],
      keys_per_user: 1,
    },
  },
  env: there.env,
});

const REFUSED = [409, 'key_limit_reached'];
const LIVE = ['api_key.limit_reached', { limit: 0, environment: 'live' }];
const ask = (token: string, more: object = {}) =>
  call(service, 'POST', '/v1/api-keys', { token, body: { label: 'one more', permission_set: 'read_only', ...more } });
const toldOf = (id: string) => crm.takenOf(id).map(({ body }) => [body.type, body.data.details]);

/** An organization that may have no key. */
async function fullOrganization() {
  const organization = await service.organizations.add();
  await service.db('tenants').where({ organization_id: organization.id }).update({ key_limit: 0 });
  return organization;
}

describe('api_key.limit_reached', () => {
  test('sends api_key.limit_reached once an hour, however often the limit refuses', async () => {
    const { id, session } = await fullOrganization();
    for (let i = 0; i < 3; i++) expect(outcome(await ask(await session()))).toEqual(REFUSED);
    service.clock.advance(59 * 60_000);
    await ask(await session());
    expect(await outboxOf(service, id)).toHaveLength(1);
    service.clock.advance(2 * 60_000);
    await ask(await session());
    await deliver(service);
    expect(toldOf(id)).toEqual([LIVE, LIVE]);
  });

  test('enqueues the webhook before it answers, whatever other refusals run', async () => {
    const organizations = await Promise.all(Array.from({ length: 8 }, fullOrganization));
    const tokens = await Promise.all(organizations.map(({ session }) => session()));
    const answers = await Promise.all(tokens.map((token) => ask(token)));
    expect(answers.map(outcome)).toEqual(answers.map(() => REFUSED));
    const rows = await Promise.all(organizations.map(({ id }) => outboxOf(service, id)));
    expect(rows.map(({ length }) => length)).toEqual(rows.map(() => 1));
    expect(
      await service.db('api_keys').whereIn(
        'organization_id',
        organizations.map(({ id }) => id),
      ),
    ).toEqual([]);
  });

  test('sends the limit of test keys separately', async () => {
    const { id, session } = await fullOrganization();
    const token = await session();
    for (const environment of ['test', 'live', 'test', 'live'])
      expect(outcome(await ask(token, { environment }))).toEqual(REFUSED);
    await deliver(service);
    expect(toldOf(id)).toEqual([['api_key.limit_reached', { limit: 0, environment: 'test' }], LIVE]);
  });

  test("sends nothing for a user's own limit", async () => {
    const { id, session } = await service.organizations.add();
    const token = await session('owner', { permissions: ['apikeys:write:own', 'workspace:read'] });
    await createKey(service, token, { owner: 'user' });
    expect(outcome(await ask(token, { owner: 'user' }))).toEqual(REFUSED);
    await deliver(service);
    expect(toldOf(id).map(([type]) => type)).toEqual(['api_key.created']);
  });
});
