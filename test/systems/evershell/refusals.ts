import { expect } from 'vitest';
import { call, outcome } from '../../support/api.ts';
import { rawCall } from '../../support/raw.ts';
import type { Behaviour } from '../system.ts';
import { FULL, LOOK } from './start.ts';
import type { World } from './start.ts';

const DAY_MS = 24 * 60 * 60 * 1_000;

export const REFUSALS: Behaviour<World>[] = [
  {
    section: 'Create an API key: 400',
    page: 'an invalid request is answered with one message per field',
    latchkey: '400 `validation_error` with `details.fields`, a map from field to message.',
    async check({ company }) {
      const body = { label: '', permission_set: 'none such', surprise: 1 };
      const answer = await (await company()).ask('POST', '/v1/api-keys', body);
      expect(outcome(answer)).toEqual([400, 'validation_error']);
      const fields = answer.body.error.details?.['fields'] as Record<string, string>;
      expect(Object.keys(fields).toSorted()).toEqual(['label', 'permission_set', 'surprise']);
      for (const message of Object.values(fields)) expect(message).toMatch(/\w/);
    },
  },
  {
    section: 'Create an API key: 400',
    page: "an error has a code from a closed list, a message, the server's request id, and details",
    latchkey: '`{"error":{"code","message","request_id","details"?}}`; `x-request-id` has the same id.',
    async check({ send }) {
      const answer = await send('POST', '/v1/api-keys', { 'x-request-id': 'req_mine' }, {});
      expect(answer.body.error.request_id).not.toBe('req_mine');
      expect(answer.body.error.request_id).toBe(answer.headers.get('x-request-id'));
      expect(Object.keys(answer.body)).toEqual(['error']);
      expect(answer.body.error).toMatchObject({ code: 'credential_missing', message: expect.stringMatching(/\w/) });
    },
  },
  {
    section: 'Create an API key: 401',
    page: '401 for a missing or invalid credential',
    latchkey: '`credential_missing`, `credential_invalid` or `credential_expired`.',
    async check({ company, service }) {
      const acme = await company();
      const body = { label: 'x', ...LOOK };
      const as = async (token?: string) =>
        outcome(await call(service, 'POST', '/v1/api-keys', { ...(token !== undefined && { token }), body }));
      const past = Math.floor(service.clock().getTime() / 1_000) - 3_600;
      expect(await as()).toEqual([401, 'credential_missing']);
      expect(await as('rubbish')).toEqual([401, 'credential_invalid']);
      expect(await as('sk_0123456789abcdefghijklmn')).toEqual([401, 'credential_invalid']);
      expect(await as(`${await acme.session()}x`)).toEqual([401, 'credential_invalid']);
      const old = await acme.session('owner', { iat: past, exp: past + 60 });
      expect(await as(old)).toEqual([401, 'credential_expired']);
    },
  },
  {
    section: 'Create an API key: 403',
    page: '403 for a caller without the scope, and for a caller that names another organization',
    latchkey: '403 `permission_denied`.',
    async check({ company }) {
      const [mine, theirs] = [await company(), await company()];
      const body = { label: 'x', ...LOOK };
      const asMember = await mine.ask('POST', '/v1/api-keys', body, 'member');
      expect(outcome(asMember)).toEqual([403, 'permission_denied']);
      const crossed = await mine.ask('POST', '/v1/api-keys', { ...body, organization_id: theirs.id });
      expect(outcome(crossed)).toEqual([403, 'permission_denied']);
      expect((await theirs.ask('GET', '/v1/api-keys')).body.data).toEqual([]);
    },
  },
  {
    section: 'Create an API key: 403',
    page: "an organization has a host name of its own, where another's credential is refused",
    latchkey:
      '403 `permission_denied`, on every route for customers. The host is the name of the organization at WorkOS.',
    async check({ company, service }) {
      const [mine, theirs] = [await company(), await company()];
      const token = await mine.session();
      const me = async (name: string) =>
        outcome(
          await rawCall(service, 'GET', '/v1/me/session', {
            headers: { host: `${name}.evershell.ai`, authorization: `Bearer ${token}` },
          }),
        );
      expect(await me(mine.name)).toEqual([200, undefined]);
      expect(await me(theirs.name)).toEqual([403, 'permission_denied']);
    },
  },
  {
    section: 'Create an API key: 423',
    page: 'an organization that is past due, is being decommissioned or has an expired trial creates no keys',
    latchkey:
      '423 `billing_inactive`, with the posture in `details`. A trial that has not expired counts as a subscription.',
    async check({ company, bill, service }) {
      const inDays = (days: number) => new Date(service.clock().getTime() + days * DAY_MS).toISOString();
      const acme = await company();
      const make = async () => outcome(await acme.ask('POST', '/v1/api-keys', { label: 'x', ...LOOK }));
      await bill(acme.id, { status: 'trial', trial_ends_at: inDays(1) });
      expect(await make()).toEqual([201, undefined]);
      for (const posture of [
        { status: 'past_due' },
        { status: 'decommissioning' },
        { status: 'trial', trial_ends_at: inDays(-1) },
      ]) {
        await bill(acme.id, posture);
        expect(await make()).toEqual([423, 'billing_inactive']);
      }
      await bill(acme.id, { status: 'active' });
      expect(await make()).toEqual([201, undefined]);
    },
  },
];

export const POSTURES: Behaviour<World>[] = [
  {
    section: 'Billing',
    page: 'reading and winding down work in every posture, so that a leaked key can always be revoked',
    latchkey:
      '`GET` of the list and of one key, and `DELETE`, answer 200. Keys still verify for reading and winding down.',
    standing: 'elsewhere',
    async check({ company, bill, api }) {
      const acme = await company();
      const [leaked, used] = [await acme.key(FULL), await acme.key(FULL)];
      for (const status of ['past_due', 'decommissioning']) {
        await bill(acme.id, { status });
        expect((await acme.ask('GET', '/v1/api-keys')).status).toBe(200);
        expect((await acme.ask('GET', `/v1/api-keys/${leaked.id}`)).status).toBe(200);
        const headers = { authorization: `Bearer ${used.value}` };
        await expect.poll(async () => (await api.send('POST', '/tasks', headers)).status, { interval: 5 }).toBe(423);
        expect((await api.send('GET', '/workspaces', headers)).status).toBe(200);
        expect((await api.send('DELETE', '/tasks', headers)).status).toBe(200);
      }
      expect((await acme.ask('DELETE', `/v1/api-keys/${leaked.id}`)).body).toEqual({ status: 'revoked' });
    },
  },
];
