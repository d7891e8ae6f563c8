import { expect } from 'vitest';
import { outcome } from '../../support/api.ts';
import type { Behaviour } from '../system.ts';
import { PROFILE, ROOT, signedIn } from './start.ts';
import type { World } from './start.ts';

const JSON_TYPE = { 'content-type': 'application/json' };

export const ERRORS: Behaviour<World>[] = [
  {
    section: 'Errors',
    page: 'an invalid key has an error of its own',
    latchkey: '401 `credential_invalid` with `details.credential` `api_key`.',
    standing: 'own',
    async check({ send }) {
      const answer = await send('GET', PROFILE, { 'x-api-key': 'sk_0123456789abcdefghijklmn' });
      expect(outcome(answer)).toEqual([401, 'credential_invalid']);
      expect(answer.body.error.details).toMatchObject({ credential: 'api_key' });
    },
  },
  {
    section: 'Errors',
    page: 'an invalid or expired token has an error of its own',
    latchkey: '401 `credential_invalid` or `credential_expired` with `details.credential` `access_token`.',
    standing: 'own',
    async check({ company, send, service }) {
      const token = await (await company()).session();
      const past = Math.floor(service.clock().getTime() / 1_000) - 600;
      const old = await (await company()).session('owner', { iat: past, exp: past + 60 });
      for (const [presented, code] of [
        [`${token.slice(0, -8)}AAAAAAAA`, 'credential_invalid'],
        [old, 'credential_expired'],
      ] as const) {
        const answer = await send('GET', PROFILE, { 'x-access-token': presented });
        expect(outcome(answer)).toEqual([401, code]);
        expect(answer.body.error.details).toMatchObject({ credential: 'access_token' });
      }
    },
  },
  {
    section: 'Errors',
    page: 'a request without a credential has an error of its own',
    latchkey: '401 `credential_missing`.',
    standing: 'own',
    async check({ send }) {
      expect(outcome(await send('GET', PROFILE))).toEqual([401, 'credential_missing']);
    },
  },
  {
    section: 'Errors',
    page: 'missing permissions have an error of their own',
    latchkey: '403 `permission_denied`, with the required scopes in `details`.',
    standing: 'own',
    async check({ company, api, send }) {
      const { value } = await (await company()).key({ permission_set: 'reader' });
      const refused = await api.send('POST', '/records', { 'x-api-key': value });
      expect(outcome(refused)).toEqual([403, 'permission_denied']);
      expect(refused.body.error.details).toEqual({ required_scopes: ['records:write'] });
      expect(outcome(await send('GET', '/v1/api-keys', { 'x-api-key': value }))).toEqual([403, 'permission_denied']);
    },
  },
  {
    section: 'Errors',
    page: 'an unknown company has an error of its own',
    latchkey: "404 `organization_not_found`, when a checked credential's organization is unknown to Latchkey.",
    standing: 'own',
    async check({ company, send }) {
      const token = await (await company()).session('owner', { org_id: 'org_nobody_knows' });
      const answer = await send('POST', '/v1/auth/check-token', { ...JSON_TYPE, 'x-access-token': token });
      expect(outcome(answer)).toEqual([404, 'organization_not_found']);
    },
  },
  {
    section: 'Errors',
    page: 'an unknown permission has an error of its own',
    latchkey: '400 `validation_error` names the field, for an unknown set and for an unknown scope in a check.',
    standing: 'own',
    async check({ company, send }) {
      const acme = await company();
      const made = await acme.ask('POST', '/v1/api-keys', { label: 'x', permission_set: 'emperor' });
      expect(outcome(made)).toEqual([400, 'validation_error']);
      expect(made.body.error.details?.['fields']).toHaveProperty('permission_set');
      const { value } = await acme.key(ROOT);
      const body = { scopes: ['records:paint'] };
      const checked = await send('POST', '/v1/auth/check-api-key', { ...JSON_TYPE, 'x-api-key': value }, body);
      expect(outcome(checked)).toEqual([400, 'validation_error']);
    },
  },
  {
    section: 'Errors',
    page: 'every error has the same form, with a code and a message',
    latchkey:
      '`{"error":{"code","message","request_id","details"?}}`: the code is inside `error`, beside the request id.',
    standing: 'own',
    async check({ send }) {
      const [first, second] = [await send('GET', PROFILE), await send('GET', '/v1/none')];
      for (const { body, headers } of [first, second]) {
        expect(body.error).toMatchObject({ code: expect.any(String), message: expect.stringMatching(/\w/) });
        expect(body.error.request_id).toBe(headers.get('x-request-id'));
      }
    },
  },
];

export const CHECKS: Behaviour<World>[] = [
  {
    section: 'Validating credentials',
    page: 'one call checks a key',
    latchkey:
      '`POST /v1/auth/check-api-key` with `x-api-key` and without a body answers `{"valid":true,"organization_id"}`.',
    standing: 'own',
    async check({ company, send }) {
      const acme = await company();
      const { value, id } = await acme.key(ROOT);
      const check = () => send('POST', '/v1/auth/check-api-key', { ...JSON_TYPE, 'x-api-key': value });
      const { status, body } = await check();
      expect([status, body]).toEqual([200, { valid: true, organization_id: acme.id }]);
      await acme.ask('DELETE', `/v1/api-keys/${id}`);
      const revoked = await check();
      expect(outcome(revoked)).toEqual([401, 'credential_invalid']);
      expect(outcome(await send('POST', '/v1/auth/check-api-key', JSON_TYPE))).toEqual([401, 'credential_missing']);
    },
  },
  {
    section: 'Validating credentials',
    page: 'one call checks a token',
    latchkey: '`POST /v1/auth/check-token` with `x-access-token` answers the same.',
    standing: 'own',
    async check(world) {
      const acme = await world.company();
      const { access_token: token } = await signedIn(world, acme);
      const check = () => world.send('POST', '/v1/auth/check-token', { ...JSON_TYPE, 'x-access-token': token });
      const { status, body } = await check();
      expect([status, body]).toEqual([200, { valid: true, organization_id: acme.id }]);
      await world.send('POST', '/v1/auth/logout', { ...JSON_TYPE, 'x-access-token': token });
      expect((await check()).status).toBe(401);
    },
  },
];
