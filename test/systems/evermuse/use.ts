import { expect } from 'vitest';
import { outcome } from '../../support/api.ts';
import type { Behaviour } from '../system.ts';
import type { World } from './start.ts';

const WRITE = { scopes: ['api:write'] };
const FOUR = ['api:read', 'api:write', 'mcp:read', 'mcp:write'];

export const PERMISSIONS: Behaviour<World>[] = [
  {
    section: 'Permissions',
    page: 'there are four permissions to choose from',
    latchkey: '`GET /v1/api-keys/permissions` lists them in groups, with descriptions, as `choosable`.',
    async check({ company }) {
      const { body } = await (await company()).ask('GET', '/v1/api-keys/permissions');
      const all = body.data.flatMap(({ permissions }) => permissions as { name: string; choosable: boolean }[]);
      expect(all.filter(({ choosable }) => choosable).map(({ name }) => name)).toEqual(FOUR);
      for (const permission of all) expect(permission).toMatchObject({ description: expect.stringMatching(/./) });
    },
  },
  {
    section: 'Permissions',
    page: 'api:read lets a key read, such as the progress of a batch',
    latchkey: 'A route that needs the scope admits keys that hold it.',
    async check({ company, api }) {
      const key = await (await company()).key({ scopes: ['api:read'] });
      expect((await api.send('GET', '/api/v1/batches', { 'x-api-key': key.value })).status).toBe(200);
    },
  },
  {
    section: 'Permissions',
    page: 'api:write lets a key send data in',
    latchkey: 'A route that needs the scope admits keys that hold it.',
    async check({ company, api }) {
      const key = await (await company()).key(WRITE);
      expect((await api.send('POST', '/api/v1/ingest', { 'x-api-key': key.value })).status).toBe(200);
    },
  },
  {
    section: 'Permissions',
    page: 'mcp:read and mcp:write each open MCP, where the workspace has a default product',
    latchkey:
      'Without `default_product` in the metadata of the organization at WorkOS, no key with these scopes is made: 400 `validation_error`.',
    async check({ company, api, chooseProduct }) {
      const acme = await company();
      const early = await acme.ask('POST', '/v1/api-keys', { label: 'early', scopes: ['api:read', 'mcp:read'] });
      expect([early.status, early.body.error.details]).toEqual([
        400,
        { fields: { scopes: 'mcp:read needs default_product, which this organization lacks.' } },
      ]);
      await chooseProduct(acme.id);
      const [reads, writes] = await Promise.all([
        acme.key({ scopes: ['mcp:read'] }),
        acme.key({ scopes: ['mcp:write'] }),
      ]);
      const status = async (method: 'GET' | 'POST', { value }: { value: string }) =>
        (await api.send(method, '/mcp', { 'x-api-key': value })).status;
      expect([await status('GET', reads), await status('POST', reads)]).toEqual([200, 403]);
      expect([await status('GET', writes), await status('POST', writes)]).toEqual([403, 200]);
    },
  },
  {
    section: 'Permissions',
    page: 'a key with api:read alone may not send data in',
    latchkey: '403 `permission_denied`, with the required scopes in `details`.',
    async check({ company, api }) {
      const key = await (await company()).key({ scopes: ['api:read'] });
      const refused = await api.send('POST', '/api/v1/ingest', { 'x-api-key': key.value });
      expect(outcome(refused)).toEqual([403, 'permission_denied']);
      expect(refused.body.error.details).toEqual({ required_scopes: ['api:write'] });
    },
  },
];

export const USE: Behaviour<World>[] = [
  {
    section: 'Sending the key',
    page: 'the key comes in the header x-api-key',
    latchkey: 'In `x-api-key`, or as a bearer token; both count the same.',
    async check({ company, api, send }) {
      const key = await (await company()).key(WRITE);
      for (const headers of [{ 'x-api-key': key.value }, { authorization: `Bearer ${key.value}` }]) {
        expect((await api.send('POST', '/api/v1/ingest', headers)).status).toBe(200);
        expect((await send('GET', '/v1/auth/forward?scope=api:write', headers)).status).toBe(200);
      }
    },
  },
  {
    section: 'Keeping keys safe',
    page: 'a key is replaced regularly and without downtime',
    latchkey:
      '`POST /v1/api-keys/{id}/rotate` creates a key with the same scopes. The old key works for `grace_seconds` more.',
    async check({ company, verify, service }) {
      const acme = await company();
      const old = await acme.key(WRITE);
      const { status, body } = await acme.ask('POST', `/v1/api-keys/${old.id}/rotate`, { grace_seconds: 60 });
      expect([status, body]).toMatchObject([201, { scopes: ['api:write'], value: expect.stringMatching(/^em_sk_/) }]);
      expect(await verify(old.value)).toMatchObject({ code: 'valid' });
      service.clock.advance(61_000);
      expect(await verify(old.value)).toMatchObject({ code: 'expired' });
      expect(await verify(String(body['value']), WRITE)).toMatchObject({ code: 'valid' });
    },
  },
  {
    section: 'Keeping keys safe',
    page: 'a key that may have leaked is revoked at once',
    latchkey: 'After `DELETE /v1/api-keys/{id}` the next request with it is 401 `credential_invalid`.',
    async check({ company, api }) {
      const acme = await company();
      const key = await acme.key(WRITE);
      const headers = { 'x-api-key': key.value };
      expect((await api.send('POST', '/api/v1/ingest', headers)).status).toBe(200);
      expect(outcome(await acme.ask('DELETE', `/v1/api-keys/${key.id}`))).toEqual([200, undefined]);
      expect(outcome(await api.send('POST', '/api/v1/ingest', headers))).toEqual([401, 'credential_invalid']);
    },
  },
];

export const ERRORS: Behaviour<World>[] = [
  {
    section: 'Error responses',
    page: '401 for a missing or invalid key',
    latchkey:
      '401 `credential_missing` or `credential_invalid`. The checksum in the last characters exposes a mistyped or invented key without a look-up.',
    async check({ company, api }) {
      const key = await (await company()).key(WRITE);
      const swapped = key.value.slice(0, 10) + (key.value[10] === 'a' ? 'b' : 'a') + key.value.slice(11);
      for (const value of [swapped, key.value.slice(0, -1), `${key.value}x`, key.value.slice(3), 'em_sk_invented'])
        expect(outcome(await api.send('POST', '/api/v1/ingest', { 'x-api-key': value }))).toEqual([
          401,
          'credential_invalid',
        ]);
      expect(outcome(await api.send('POST', '/api/v1/ingest'))).toEqual([401, 'credential_missing']);
    },
  },
  {
    section: 'Error responses',
    page: '403 for a key that lacks the permission',
    latchkey: '403 `permission_denied`.',
    async check({ company, api }) {
      const key = await (await company()).key({ scopes: ['api:read'] });
      const refused = await api.send('POST', '/api/v1/ingest', { 'x-api-key': key.value });
      expect(outcome(refused)).toEqual([403, 'permission_denied']);
    },
  },
  {
    section: 'Error responses',
    page: '429 over the rate limit, with the wait in the body',
    latchkey: '429 `rate_limited`, with the seconds in `details.retry_after` and `Retry-After`.',
    standing: 'own',
    async check({ company, api }) {
      const key = await (await company()).key(WRITE);
      const refused = await api.send('POST', '/api/v1/ingest/many', { 'x-api-key': key.value });
      expect(outcome(refused)).toEqual([429, 'rate_limited']);
      const wait = Number(refused.body.error.details?.['retry_after']);
      expect(wait).toBeGreaterThan(0);
      expect(wait).toBeLessThanOrEqual(60);
      expect(refused.headers.get('retry-after')).toBe(String(wait));
    },
  },
];
