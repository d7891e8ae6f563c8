import { describe, expect, test } from 'vitest';
import { createKey, outcome } from '../../support/api.ts';
import { atWorkos } from '../../support/at-workos.ts';
import { SERVICE_TOKEN } from '../../support/service.ts';
import { PATH, TOKENS, startWatching } from './watch.ts';

const OK = [200, undefined];
const DENIED = [403, 'permission_denied'];
const NOT_FOUND = [404, 'webhook_delivery_not_found'];

const { service, acme, ask, list, replay, replays, failedDelivery } = await startWatching();

const of = (organizationId: string) => `/v1/organizations/${organizationId}/webhook-deliveries`;

/** What comes of the list, of one delivery, and of its replay. */
const attempt = async (token: string, id: string) => {
  const seen = [outcome(await ask('GET', PATH, { token })), outcome(await ask('GET', `${PATH}/${id}`, { token }))];
  return [...seen, outcome(await replay(id, { token }))];
};

describe('of those who may not', () => {
  test('an API key is refused, whatever its scopes', async () => {
    const id = await failedDelivery();
    const key = await createKey(service, await acme().session(), { permission_set: 'full_access' });
    const scopes = ['audit:read', 'apikeys:write'];
    await service.db('api_keys').where({ workos_id: key.id }).update({ scopes });
    expect(await attempt(key.value, id)).toEqual([DENIED, DENIED, DENIED]);
  });

  test('a machine token and a person need the scope of each route', async () => {
    const id = await failedDelivery();
    expect(await attempt(await acme().machineToken('workspace:read'), id)).toEqual([DENIED, DENIED, DENIED]);
    expect(await attempt(await acme().session('member'), id)).toEqual([DENIED, DENIED, DENIED]);
    expect(await attempt(await acme().machineToken('audit:read'), id)).toEqual([OK, OK, DENIED]);
    expect(await attempt(await acme().machineToken('apikeys:write'), id)).toEqual([DENIED, DENIED, OK]);
  });

  test('a service token that names no organization is refused', async () => {
    expect(await attempt(SERVICE_TOKEN, await failedDelivery())).toEqual([DENIED, DENIED, DENIED]);
  });

  test('a service token watches and replays for the organization that it names, and for no other', async () => {
    const id = await failedDelivery();
    const other = await service.organizations.add();
    const send = async (method: string, path: string) => outcome(await ask(method, path, { token: SERVICE_TOKEN }));
    const listed = await ask('GET', `${of(acme().id)}?status=failed`, { token: SERVICE_TOKEN });
    expect(listed.body.data).toEqual(await list());
    expect(await send('GET', `${of(other.id)}/${id}`)).toEqual(NOT_FOUND);
    expect(await send('POST', `${of(other.id)}/${id}/replay`)).toEqual(NOT_FOUND);
    expect(await send('GET', of('nothing'))).toEqual([404, 'organization_not_found']);
    expect(await replays()).toEqual([]);
    expect(await send('GET', `${of(acme().id)}/${id}`)).toEqual(OK);
    expect(await send('POST', `${of(acme().id)}/${id}/replay`)).toEqual(OK);
    expect(await send('POST', `${of(acme().id)}/${id}/replay`)).toEqual([409, 'delivery_not_replayable']);
    expect(await replays()).toMatchObject([{ actor_kind: 'service', target_id: id }]);
  });

  test('a service token needs the scope of each route', async () => {
    const id = await failedDelivery();
    const path = of(acme().id);
    const send = async (token: string, method: string, end = '') => outcome(await ask(method, path + end, { token }));
    const reads = async (token: string) => [await send(token, 'GET'), await send(token, 'GET', `/${id}`)];
    expect(await reads(TOKENS.billing)).toEqual([DENIED, DENIED]);
    expect(await send(TOKENS.billing, 'POST', `/${id}/replay`)).toEqual(DENIED);
    expect(await reads(TOKENS.reads)).toEqual([OK, OK]);
    expect(await send(TOKENS.reads, 'POST', `/${id}/replay`)).toEqual(DENIED);
    expect(await reads(TOKENS.writes)).toEqual([OK, OK]);
    expect(await send(TOKENS.writes, 'POST', `/${id}/replay`)).toEqual(OK);
  });

  test('another organization finds nothing', async () => {
    const id = await failedDelivery();
    const other = await service.organizations.add();
    const token = await other.session();
    expect(await attempt(token, id)).toEqual([OK, NOT_FOUND, NOT_FOUND]);
    expect(await list()).toHaveLength(1);
    expect((await ask('GET', PATH, { token })).body.data).toEqual([]);
  });

  test('an impersonator watches, and replays nothing', async () => {
    const id = await failedDelivery();
    const opened = await atWorkos<{ access_token: string }>(service, 'POST', '/_emulator/impersonations', {
      user_id: acme().userId('owner'),
      organization_id: acme().id,
      impersonator: { email: 'support@product.test' },
    });
    expect(await attempt(opened.access_token, id)).toEqual([OK, OK, DENIED]);
    expect(await replays()).toEqual([]);
  });

  test.each([
    ['is past due', { billing_status: 'past_due' }],
    ['is being decommissioned', { billing_status: 'decommissioning' }],
    [
      'was decommissioned',
      { billing_status: 'decommissioning', decommission_at: new Date(0), decommissioned_at: new Date(0) },
    ],
  ])('an organization that %s watches, and replays nothing', async (_what, billing) => {
    const id = await failedDelivery();
    await service.db('tenants').where({ organization_id: acme().id }).update(billing);
    expect(await attempt(await acme().session(), id)).toEqual([OK, OK, [423, 'billing_inactive']]);
    expect(await replays()).toEqual([]);
  });
});
