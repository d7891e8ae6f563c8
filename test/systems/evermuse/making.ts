import { expect } from 'vitest';
import { outcome } from '../../support/api.ts';
import type { Behaviour } from '../system.ts';
import type { World } from './start.ts';

const WRITE = { scopes: ['api:write'] };

export const KEYS: Behaviour<World>[] = [
  {
    section: 'Authentication',
    page: "every request to the ingestion API needs a workspace's key",
    latchkey: '401 `credential_missing` without one. A workspace is an organization.',
    async check({ api }) {
      expect(outcome(await api.send('POST', '/api/v1/ingest'))).toEqual([401, 'credential_missing']);
    },
  },
  {
    section: 'API keys',
    page: 'a key belongs to the workspace in which it was created',
    latchkey: 'Requests with it act for that organization. Others get 404 `api_key_not_found` for it.',
    async check({ company, api }) {
      const [mine, theirs] = [await company(), await company()];
      const key = await mine.key(WRITE);
      const used = await api.send('POST', '/api/v1/ingest', { 'x-api-key': key.value });
      expect(used.body).toMatchObject({ id: key.id, organizationId: mine.id });
      for (const method of ['GET', 'DELETE'])
        expect(outcome(await theirs.ask(method, `/v1/api-keys/${key.id}`))).toEqual([404, 'api_key_not_found']);
      expect((await theirs.ask('GET', '/v1/api-keys')).body.data).toEqual([]);
    },
  },
  {
    section: 'API keys',
    page: 'a key begins with em_sk_',
    latchkey: "`value` and the obfuscated `prefix` begin so. The key in WorkOS's own form is refused.",
    async check({ company, verify }) {
      const key = await (await company()).key(WRITE);
      expect(key.value).toMatch(/^em_sk_[A-Za-z0-9_]{30,}$/);
      expect(key.prefix).toMatch(/^em_sk_.*\.\.\./);
      expect(key.prefix.endsWith(key.value.slice(-4))).toBe(true);
      expect(await verify(key.value)).toMatchObject({ code: 'valid' });
      const bare = `sk_${key.value.slice('em_sk_'.length, -6)}`;
      expect(await verify(bare)).toMatchObject({ valid: false, code: 'not_found' });
    },
  },
  {
    section: 'API keys',
    page: 'a workspace has ten keys at most',
    latchkey:
      'The eleventh is 409 `key_limit_reached`. A revoked key makes room, and other workspaces have their own ten.',
    async check({ company }) {
      const [full, other] = [await company(), await company()];
      const made = await Promise.all(Array.from({ length: 10 }, () => full.key(WRITE)));
      const body = { label: 'the eleventh', ...WRITE };
      const refused = await full.ask('POST', '/v1/api-keys', body);
      expect(outcome(refused)).toEqual([409, 'key_limit_reached']);
      expect(refused.body.error.details).toMatchObject({ limit: 10 });
      await other.key(WRITE);
      await full.ask('DELETE', `/v1/api-keys/${made[0]!.id}`);
      expect(outcome(await full.ask('POST', '/v1/api-keys', body))).toEqual([201, undefined]);
    },
  },
];

export const CREATING: Behaviour<World>[] = [
  {
    section: 'Creating a key',
    page: 'people who manage the workspace see its keys and manage them',
    latchkey:
      '`GET /v1/api-keys` has label, scopes, obfuscated form, creation and last use, for owners and operators. Members get 403 `permission_denied`.',
    standing: 'console',
    async check({ company, verify, service }) {
      const acme = await company();
      const key = await acme.key({ label: 'Nightly import', scopes: ['api:read', 'api:write'] });
      await verify(key.value);
      await service.background.runOnce('flush_usage');
      const { body } = await acme.ask('GET', '/v1/api-keys', undefined, 'operator');
      expect(body.data).toMatchObject([
        {
          id: key.id,
          label: 'Nightly import',
          scopes: ['api:read', 'api:write'],
          prefix: key.prefix,
          created_at: expect.stringMatching(/Z$/),
          last_used_at: expect.stringMatching(/Z$/),
          status: 'active',
        },
      ]);
      const asMember = await acme.ask('GET', '/v1/api-keys', undefined, 'member');
      expect(outcome(asMember)).toEqual([403, 'permission_denied']);
    },
  },
  {
    section: 'Creating a key',
    page: 'a key has a label with its purpose',
    latchkey: '1 to 100 characters. Without a label the answer is 400 `validation_error`, which names the field.',
    standing: 'console',
    async check({ company }) {
      const acme = await company();
      const { body } = await acme.ask('POST', '/v1/api-keys', WRITE);
      expect(body.error).toMatchObject({
        code: 'validation_error',
        details: { fields: { label: expect.any(String) } },
      });
      expect(await acme.key({ label: 'Import — production', ...WRITE })).toMatchObject({
        label: 'Import — production',
      });
    },
  },
  {
    section: 'Creating a key',
    page: 'at least one permission is chosen',
    latchkey:
      '`scopes` that is empty, repeats a scope or has an unknown one is 400 `validation_error`. So is a permission set.',
    standing: 'console',
    async check({ company }) {
      const acme = await company();
      for (const scopes of [undefined, [], ['api:write', 'api:write'], ['api:paint'], ['apikeys:write'], 'api:write']) {
        const { status, body } = await acme.ask('POST', '/v1/api-keys', { label: 'x', scopes });
        expect([status, body.error.code]).toEqual([400, 'validation_error']);
        expect(Object.keys(body.error.details?.['fields'] as object)[0]).toMatch(/^scopes/);
      }
      const set = await acme.ask('POST', '/v1/api-keys', { label: 'x', permission_set: 'full_access' });
      expect(outcome(set)).toEqual([400, 'validation_error']);
    },
  },
  {
    section: 'Creating a key',
    page: 'the key is shown once and cannot be seen again',
    latchkey: '`value` is in the answer to the creation, and in no other.',
    standing: 'console',
    async check({ company }) {
      const acme = await company();
      const key = await acme.key(WRITE);
      expect(key.value.length).toBeGreaterThan(30);
      const later = await Promise.all([
        acme.ask('GET', `/v1/api-keys/${key.id}`),
        acme.ask('GET', '/v1/api-keys'),
        acme.ask('PATCH', `/v1/api-keys/${key.id}`, { label: 'renamed' }),
        acme.ask('GET', '/v1/audit-events'),
      ]);
      for (const { status, body } of later) {
        expect(status).toBe(200);
        expect(JSON.stringify(body)).not.toContain(key.value);
      }
    },
  },
];
