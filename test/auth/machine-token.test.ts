import { describe, expect, test } from 'vitest';
import { call, createKey, outcome } from '../support/api.ts';
import { startService } from '../support/service.ts';

const service = await startService();
const { workos } = service;

const INVALID = [401, 'credential_invalid'];
const me = (token: string) => call(service, 'GET', '/v1/me/session', { token });
const now = () => Math.floor(service.clock().getTime() / 1_000);

describe('GET /v1/me/session', () => {
  test('accepts a token that the local WorkOS issued to a CI runner', async () => {
    const acme = await service.organizations.add();
    const secret = 'a secret of the runner';
    workos.seed({
      machineClients: [
        { clientId: acme.machineClientId, secret, organizationId: acme.id, scopes: ['apikeys:write', 'apikeys:read'] },
      ],
    });
    const form = { grant_type: 'client_credentials', client_id: acme.machineClientId, client_secret: secret };
    const response = await fetch(`${workos.url}/oauth2/token`, { method: 'POST', body: new URLSearchParams(form) });
    const { access_token: token } = (await response.json()) as { access_token: string };
    expect((await me(token)).body).toEqual({
      kind: 'machine',
      organization_id: acme.id,
      client_id: acme.machineClientId,
      ip: '127.0.0.1',
      permissions: ['apikeys:read', 'apikeys:write'],
    });
    await createKey(service, token);
  });

  test('accepts an issuer with a trailing slash, and a list of audiences', async () => {
    const acme = await service.organizations.add();
    const token = await acme.machineToken('', { iss: `${workos.url}/`, aud: ['other', workos.clientId] });
    expect(outcome(await me(token))).toEqual([200, undefined]);
  });

  test.each([
    ['another audience', { aud: 'client_other' }],
    ['no audience', { aud: undefined }],
    ['a foreign issuer', { iss: 'https://auth.example.com' }],
    ["a session's issuer", { iss: `${workos.url}/user_management/${workos.clientId}` }],
    ['no issuer', { iss: undefined }],
    ['no subject', { sub: undefined }],
    ['no expiry', { exp: undefined }],
    ['a start in the future', { nbf: now() + 60 }],
    ['a scope that is a list', { scope: ['apikeys:write'] }],
    ['a session id, which only a person has', { sid: 'session_x' }],
  ])('returns 401 for a well-signed machine token with %s', async (_what, change) => {
    const acme = await service.organizations.add();
    expect(outcome(await me(await acme.machineToken('apikeys:write', change)))).toEqual(INVALID);
  });

  test('returns 401 credential_expired for an expired machine token', async () => {
    const acme = await service.organizations.add();
    const token = await acme.machineToken('', { exp: now() - 60 });
    expect(outcome(await me(token))).toEqual([401, 'credential_expired']);
  });

  test('returns 403 for a machine token without an organization', async () => {
    const acme = await service.organizations.add();
    const token = await acme.machineToken('apikeys:write', { org_id: undefined });
    expect(outcome(await me(token))).toEqual([403, 'permission_denied']);
  });

  test('returns 401 for a machine token signed with the key of sessions', async () => {
    const acme = await service.organizations.add();
    const claims = {
      iss: workos.url,
      aud: workos.clientId,
      sub: acme.machineClientId,
      org_id: acme.id,
      scope: 'apikeys:write',
      iat: now(),
      exp: now() + 300,
    };
    const keys = (await (await fetch(`${workos.url}/oauth2/jwks`)).json()) as { keys: { kid: string }[] };
    expect(outcome(await me(await workos.signMachineToken(claims)))).toEqual([200, undefined]);
    expect(outcome(await me(await workos.signSessionToken(claims)))).toEqual(INVALID);
    expect(outcome(await me(await workos.signSessionToken(claims, { kid: keys.keys[0]!.kid })))).toEqual(INVALID);
  });
});

test('lets a runner create, change and revoke keys, recorded under its client id', async () => {
  const acme = await service.organizations.add();
  const token = await acme.machineToken('apikeys:write');
  const key = await createKey(service, token);
  const path = `/v1/api-keys/${key.id}`;
  expect(outcome(await call(service, 'PATCH', path, { token, body: { label: 'x' } }))).toEqual([200, undefined]);
  expect(outcome(await call(service, 'DELETE', path, { token }))).toEqual([200, undefined]);
  const actors = await service.db('audit_events').where({ organization_id: acme.id }).select('actor_kind', 'actor_id');
  const runner = { actor_kind: 'machine', actor_id: acme.machineClientId };
  expect(actors).toEqual([runner, runner, runner]);
});

test('lets a runner do what its scopes allow and nothing else', async () => {
  const acme = await service.organizations.add();
  const get = async (path: string, scope: string) =>
    outcome(await call(service, 'GET', path, { token: await acme.machineToken(scope) }));
  expect(await get('/v1/api-keys', 'apikeys:read')).toEqual([200, undefined]);
  expect(await get('/v1/api-keys', 'audit:read')).toEqual([403, 'permission_denied']);
  expect(await get('/v1/api-keys', '')).toEqual([403, 'permission_denied']);
  expect(await get('/v1/api-keys', 'apikeys:read2 xapikeys:read')).toEqual([403, 'permission_denied']);
  expect(await get('/v1/audit-events', 'apikeys:read  audit:read')).toEqual([200, undefined]);
  expect(await get('/v1/organization', '')).toEqual([200, undefined]);
});
