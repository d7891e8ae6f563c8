import { expect } from 'vitest';
import { outcome } from '../../support/api.ts';
import type { Behaviour } from '../system.ts';
import { CREATE, bearer } from './start.ts';
import type { World } from './start.ts';

const DAY_MS = 24 * 60 * 60 * 1_000;

export const MAKING: Behaviour<World>[] = [
  {
    section: 'Overview',
    page: 'keys are personal: a key belongs to the person who created it',
    latchkey: '`owner` is the person, in every answer and in every verdict.',
    async check({ company, verify }) {
      const acme = await company();
      const key = await acme.key(CREATE, 'operator');
      const owner = { type: 'user', id: acme.userId('operator') };
      expect(key).toMatchObject({ owner });
      expect(await verify(key.value)).toMatchObject({ code: 'valid', owner, organization_id: acme.id });
    },
  },
  {
    section: 'Generating a key',
    page: 'every person who can sign in creates keys in the settings, without an administrator',
    latchkey: "`apikeys:write:own`, which the demo's members have, is enough for `POST /v1/api-keys`.",
    standing: 'console',
    async check({ company }) {
      const acme = await company();
      const key = await acme.key({ label: 'mine', scopes: ['eval:read'] }, 'member');
      expect(key).toMatchObject({ owner: { id: acme.userId('member') }, created_by: { id: acme.userId('member') } });
    },
  },
  {
    section: 'Generating a key',
    page: 'a key has a name, a description, chosen permissions and an expiry',
    latchkey: '`label`, `description`, `scopes`, and `expires_in` or `expires_at`.',
    standing: 'console',
    async check({ company, service }) {
      const acme = await company();
      const wanted = {
        label: 'Nightly evals',
        description: 'What runs at night',
        scopes: ['eval:read', 'eval:create'],
      };
      const key = await acme.key({ ...wanted, expires_in: '30d' });
      expect(key).toMatchObject({ ...wanted, status: 'active', expires_in_days: 30 });
      const left = Date.parse(String(key['expires_at'])) - service.clock().getTime();
      expect(Math.abs(left - 30 * DAY_MS)).toBeLessThan(10_000);
      const exact = new Date(service.clock().getTime() + 5 * DAY_MS).toISOString();
      expect(await acme.key({ ...wanted, expires_at: exact })).toMatchObject({ expires_at: exact });
    },
  },
  {
    section: 'Generating a key',
    page: 'the expiry is chosen from what the product offers',
    latchkey:
      '90 days by default and a year at most, as configured. A later expiry, or `never`, is 400 `validation_error` on the field.',
    async check({ company }) {
      const acme = await company();
      expect(await acme.key(CREATE)).toMatchObject({ expires_in_days: 90 });
      expect(await acme.key({ ...CREATE, expires_in: '1y' })).toMatchObject({ expires_in_days: 365 });
      for (const expires_in of ['2y', 'never', '0d', 'soon']) {
        const refused = await acme.ask('POST', '/v1/api-keys', { label: 'x', ...CREATE, expires_in });
        expect(outcome(refused)).toEqual([400, 'validation_error']);
        expect(Object.keys(refused.body.error.details?.['fields'] as object)).toEqual(['expires_in']);
      }
    },
  },
  {
    section: 'Generating a key',
    page: 'the key is shown once',
    latchkey: '`value` is in the answer to the creation, and in no other.',
    standing: 'console',
    async check({ company }) {
      const acme = await company();
      const key = await acme.key(CREATE);
      for (const path of [`/v1/api-keys/${key.id}`, '/v1/api-keys', '/v1/audit-events']) {
        const { status, body } = await acme.ask('GET', path);
        expect([status, JSON.stringify(body).includes(key.value)]).toEqual([200, false]);
      }
    },
  },
];

export const SCOPES: Behaviour<World>[] = [
  {
    section: 'Permissions and scopes',
    page: 'there are three scopes to choose from',
    latchkey: '`GET /v1/api-keys/permissions` has what each allows and implies, and whether the caller may choose it.',
    async check({ company }) {
      const acme = await company();
      const named = async (role: 'owner' | 'member') => {
        const { body } = await acme.ask('GET', '/v1/api-keys/permissions', undefined, role);
        return body.data.flatMap(({ permissions }) => permissions as { name: string; choosable: boolean }[]);
      };
      const all = await named('owner');
      const choosable = (list: typeof all) => list.filter((one) => one.choosable).map(({ name }) => name);
      expect(choosable(all)).toEqual(['eval:create', 'eval:read', 'eval:manage']);
      expect(all.find(({ name }) => name === 'eval:manage')).toMatchObject({ implies: ['eval:create', 'eval:read'] });
      expect(choosable(await named('member'))).toEqual(['eval:create', 'eval:read']);
    },
  },
  {
    section: 'Permissions and scopes',
    page: 'eval:create lets a key create and run evaluations',
    latchkey:
      'A route that needs the scope admits the key. A route that needs another scope is 403 `permission_denied`.',
    async check({ company, api }) {
      const key = await (await company()).key(CREATE);
      expect((await api.send('POST', '/evals', bearer(key))).status).toBe(200);
      expect(outcome(await api.send('GET', '/evals', bearer(key)))).toEqual([403, 'permission_denied']);
    },
  },
  {
    section: 'Permissions and scopes',
    page: 'eval:read lets a key read evaluations',
    latchkey: 'A route that needs the scope admits the key. Creating an evaluation is 403 `permission_denied`.',
    async check({ company, api }) {
      const key = await (await company()).key({ scopes: ['eval:read'] });
      expect((await api.send('GET', '/evals', bearer(key))).status).toBe(200);
      expect(outcome(await api.send('POST', '/evals', bearer(key)))).toEqual([403, 'permission_denied']);
    },
  },
  {
    section: 'Permissions and scopes',
    page: 'eval:manage lets a key create, read, change and delete evaluations',
    latchkey: 'The catalogue lists the two others as implied. The key has `scopes` as chosen, and `effective_scopes`.',
    async check({ company, api, verify }) {
      const acme = await company();
      const key = await acme.key({ scopes: ['eval:manage'] });
      for (const method of ['POST', 'GET', 'PATCH', 'DELETE'] as const)
        expect((await api.send(method, '/evals', bearer(key))).status).toBe(200);
      const shown = await acme.shown(key.id);
      expect(shown).toMatchObject({ scopes: ['eval:manage'] });
      const all = ['eval:create', 'eval:manage', 'eval:read'];
      expect([...(shown['effective_scopes'] as string[])].sort()).toEqual(all);
      const verdict = await verify(key.value);
      expect([...(verdict['scopes'] as string[])].sort()).toEqual(all);
    },
  },
  {
    section: 'Permissions and scopes',
    page: 'people choose the scopes that their keys need',
    latchkey:
      'At least one, and only scopes that the person holds: otherwise 403 `permission_denied` with `details.missing_scopes`.',
    async check({ company }) {
      const acme = await company();
      const body = { label: 'too much', scopes: ['eval:read', 'eval:manage'] };
      const refused = await acme.ask('POST', '/v1/api-keys', body, 'member');
      expect(outcome(refused)).toEqual([403, 'permission_denied']);
      expect(refused.body.error.details).toMatchObject({ missing_scopes: ['eval:manage'] });
      const none = await acme.ask('POST', '/v1/api-keys', { label: 'none', scopes: [] });
      expect(outcome(none)).toEqual([400, 'validation_error']);
    },
  },
];
