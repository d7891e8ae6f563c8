import { expect } from 'vitest';
import { call, outcome } from '../../support/api.ts';
import { keysAtWorkos } from '../../support/workos-keys.ts';
import type { Behaviour } from '../system.ts';
import { FULL, LOOK } from './start.ts';
import type { World } from './start.ts';

const SETS = {
  full_access: ['caps:write', 'workspace:read', 'workspace:write', 'tasks:write', 'audit:read'],
  submit_observe: ['workspace:read', 'workspace:write', 'tasks:write', 'audit:read'],
  read_only: ['workspace:read', 'audit:read'],
};

export const CREATING: Behaviour<World>[] = [
  {
    section: 'Create an API key',
    page: 'creating a key needs apikeys:write',
    latchkey: 'Owners and operators have it, members do not: 403 `permission_denied`.',
    async check({ company }) {
      const acme = await company();
      const body = { label: 'CI runner — staging', ...FULL };
      for (const role of ['owner', 'operator'] as const)
        expect(outcome(await acme.ask('POST', '/v1/api-keys', body, role))).toEqual([201, undefined]);
      const asMember = await acme.ask('POST', '/v1/api-keys', body, 'member');
      expect(outcome(asMember)).toEqual([403, 'permission_denied']);
    },
  },
  {
    section: 'Create an API key',
    page: 'the key is created at WorkOS for the organization and mirrored here',
    latchkey: "The id is WorkOS's. `GET /v1/api-keys/{id}` answers from the mirror, also while WorkOS is down.",
    async check({ company, service }) {
      const acme = await company();
      const key = await acme.key({ label: 'CI', ...FULL });
      expect(await keysAtWorkos(service, acme.id)).toMatchObject([{ id: key.id, permissions: SETS.full_access }]);
      const before = service.workos.requests().length;
      expect(await acme.shown(key.id)).toMatchObject({ id: key.id, label: 'CI', permission_set: 'full_access' });
      expect(service.workos.requests()).toHaveLength(before);
    },
  },
  {
    section: 'Create an API key',
    page: 'the answer has the whole secret in value; no other answer has it',
    latchkey: 'Nor has any log line, row or audit event.',
    async check({ company, service }) {
      const acme = await company();
      const key = await acme.key(FULL);
      const told = await Promise.all(
        [`/v1/api-keys/${key.id}`, '/v1/api-keys', '/v1/audit-events'].map((path) => acme.ask('GET', path)),
      );
      const rows = await service.db('api_keys').where({ organization_id: acme.id });
      const events = await service.db('audit_events').where({ organization_id: acme.id });
      const everything = JSON.stringify([told.map(({ body }) => body), rows, events, service.logs]);
      expect(everything).toContain(key.id);
      expect(everything).not.toContain(key.value);
    },
  },
  {
    section: 'Create an API key: request',
    page: 'a session is sent as a bearer token',
    latchkey: 'So is a machine token, such as that of a CI system. An API key cannot create keys.',
    async check({ company, service, send }) {
      const acme = await company();
      const body = { label: 'CI', ...LOOK };
      const authorization = `Bearer ${await acme.session()}`;
      expect((await send('POST', '/v1/api-keys', { authorization }, body)).status).toBe(201);
      const issuedAt = Math.floor(service.clock().getTime() / 1_000);
      const machine = await service.workos.signMachineToken({
        iss: service.workos.url,
        aud: service.workos.clientId,
        sub: 'client_ci',
        client_id: 'client_ci',
        org_id: acme.id,
        scope: 'apikeys:write',
        iat: issuedAt,
        exp: issuedAt + 60,
      });
      const made = await call(service, 'POST', '/v1/api-keys', { token: machine, body });
      expect([made.status, made.body]).toMatchObject([201, { created_by: { kind: 'machine', id: 'client_ci' } }]);
      const asKey = await call(service, 'POST', '/v1/api-keys', { token: String(made.body['value']), body });
      expect(outcome(asKey)).toEqual([403, 'permission_denied']);
    },
  },
  {
    section: 'Create an API key: request',
    page: 'a label is required and may have any letters',
    latchkey: '1 to 100 characters; `CI runner — staging` comes back as it was sent.',
    async check({ company }) {
      const acme = await company();
      expect(await acme.key({ label: 'CI runner — staging', ...FULL })).toMatchObject({ label: 'CI runner — staging' });
      const none = await acme.ask('POST', '/v1/api-keys', FULL);
      expect(none.body.error.details?.['fields']).toHaveProperty('label');
    },
  },
  {
    section: 'Create an API key: request',
    page: 'the permission set is one of a closed list',
    latchkey: '`GET /v1/permission-sets` lists three sets with their scopes. Another set, or `scopes`, is 400.',
    async check({ company }) {
      const acme = await company();
      const { body } = await acme.ask('GET', '/v1/permission-sets');
      expect(Object.fromEntries(body.data.map(({ name, scopes }) => [name, scopes]))).toEqual(SETS);
      const wrong = [
        { permission_set: 'admin' },
        { permission_set: '' },
        { permission_set: 'full_access', scopes: ['workspace:read'] },
        { scopes: ['workspace:read'] },
        {},
      ];
      for (const set of wrong)
        expect(outcome(await acme.ask('POST', '/v1/api-keys', { label: 'x', ...set }))).toEqual([
          400,
          'validation_error',
        ]);
    },
  },
  {
    section: 'Create an API key: request',
    page: 'the set decides the scopes that WorkOS attaches to the key',
    latchkey: 'Exactly those of the set, at WorkOS and at verification.',
    async check({ company, verify, service }) {
      for (const [permission_set, scopes] of Object.entries(SETS)) {
        const acme = await company();
        const key = await acme.key({ permission_set });
        const [atWorkos] = await keysAtWorkos(service, acme.id);
        expect([...atWorkos!.permissions].toSorted()).toEqual(scopes.toSorted());
        const verdict = await verify(key.value);
        expect((verdict['scopes'] as string[]).toSorted()).toEqual(scopes.toSorted());
      }
    },
  },
];

export const ANSWERS: Behaviour<World>[] = [
  {
    section: 'Create an API key: 201',
    page: 'the answer has id, label, prefix, permission_set and value',
    latchkey: 'Other fields, such as `status`, `scopes` and `created_at`, come with them.',
    async check({ company }) {
      const key = await (await company()).key({ label: 'CI runner — staging', ...FULL });
      expect(key).toMatchObject({
        id: expect.stringMatching(/^api_key_\w+$/),
        label: 'CI runner — staging',
        permission_set: 'full_access',
        value: expect.stringMatching(/^sk_\w{20,}$/),
      });
    },
  },
  {
    section: 'Create an API key: 201',
    page: 'prefix is a part of the secret that may be shown',
    latchkey:
      '`sk_live_...wxyz`: how the key begins, and its last four characters. What WorkOS calls `sk_…` is handed out as `sk_live_…`.',
    async check({ company }) {
      const { prefix, value } = await (await company()).key(FULL);
      expect(prefix).toMatch(/^sk_live_\.\.\.\w{4}$/);
      expect(value).toMatch(/^sk_live_\w{13,}$/);
      expect(value.endsWith(prefix.slice(-4))).toBe(true);
      expect(prefix.length).toBeLessThan(value.length / 2);
    },
  },
  {
    section: 'Create an API key: 201',
    page: 'a lost secret cannot be read again: revoke the key and create another',
    latchkey: 'No route reads a secret. `POST /v1/api-keys/{id}/rotate` revokes and creates in one request.',
    async check({ company, verify }) {
      const acme = await company();
      const lost = await acme.key(FULL);
      const { status, body } = await acme.ask('POST', `/v1/api-keys/${lost.id}/rotate`, {});
      expect([status, body]).toMatchObject([201, { permission_set: 'full_access', rotated_from: lost.id }]);
      expect(await verify(lost.value)).toMatchObject({ valid: false });
      expect(await verify(String(body['value']))).toMatchObject({ valid: true });
    },
  },
];
