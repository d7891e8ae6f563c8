import { expect } from 'vitest';
import { call, outcome } from '../../support/api.ts';
import type { Behaviour } from '../system.ts';
import { CREATE, bearer } from './start.ts';
import type { World } from './start.ts';

const MINUTE_MS = 60_000;

export const MANAGING: Behaviour<World>[] = [
  {
    section: 'Managing keys',
    page: 'a person sees all their active keys',
    latchkey: "`GET /v1/api-keys?status=active`; `owner=me` selects the caller's own.",
    standing: 'console',
    async check({ company }) {
      const acme = await company();
      const mine = await acme.key({ scopes: ['eval:read'] }, 'member');
      const gone = await acme.key({ scopes: ['eval:read'] }, 'member');
      const other = await acme.key(CREATE, 'owner');
      await acme.ask('DELETE', `/v1/api-keys/${gone.id}`, undefined, 'member');
      const ids = async (query: string, role: 'owner' | 'member') =>
        (await acme.ask('GET', `/v1/api-keys?status=active${query}`, undefined, role)).body.data.map(({ id }) => id);
      expect(await ids('', 'member')).toEqual([mine.id]);
      expect(await ids('&owner=me', 'owner')).toEqual([other.id]);
      expect(await ids('', 'owner')).toEqual([other.id, mine.id]);
    },
  },
  {
    section: 'Managing keys',
    page: 'a key has usage statistics',
    latchkey: '`GET /v1/api-keys/{id}/usage` has counts by hour or day, and by outcome.',
    standing: 'console',
    async check({ company, verify, service }) {
      const acme = await company();
      const key = await acme.key({ scopes: ['eval:read'] }, 'member');
      for (let i = 0; i < 3; i++) await verify(key.value, { scopes: ['eval:read'] });
      await verify(key.value, { scopes: ['eval:manage'] });
      await service.background.runOnce('flush_usage');
      const usage = await acme.ask('GET', `/v1/api-keys/${key.id}/usage?interval=day`, undefined, 'member');
      expect(usage.body).toMatchObject({ total: 4, codes: { valid: 3, insufficient_scope: 1 }, interval: 'day' });
      expect(usage.body.data.at(-1)).toMatchObject({ total: 4 });
    },
  },
  {
    section: 'Managing keys',
    page: 'a key shows when it was last used',
    latchkey: '`last_used_at` is null until the first use. Refused requests are no use.',
    standing: 'console',
    async check({ company, verify, service }) {
      const acme = await company();
      const key = await acme.key(CREATE);
      await verify(key.value, { scopes: ['eval:read'] });
      await service.background.runOnce('flush_usage');
      expect(await acme.shown(key.id)).toMatchObject({ last_used_at: null });
      const before = service.clock().getTime();
      await verify(key.value, CREATE);
      await service.background.runOnce('flush_usage');
      const usedAt = Date.parse(String((await acme.shown(key.id))['last_used_at']));
      expect(usedAt).toBeGreaterThanOrEqual(before);
      expect(usedAt).toBeLessThanOrEqual(service.clock().getTime());
    },
  },
  {
    section: 'Managing keys',
    page: 'a key shows how close its expiry is',
    latchkey: '`status`, `expires_at` and `expires_in_days`; `status=expired` lists expired keys.',
    standing: 'console',
    async check({ company, verify, passDays }) {
      const acme = await company();
      const key = await acme.key({ ...CREATE, expires_in: '7d' });
      passDays(5.5);
      expect(await acme.shown(key.id)).toMatchObject({ status: 'active', expires_in_days: 2 });
      passDays(2);
      expect(await acme.shown(key.id)).toMatchObject({ status: 'expired', expires_in_days: 0 });
      expect((await acme.ask('GET', '/v1/api-keys?status=expired')).body.data).toMatchObject([{ id: key.id }]);
      expect(await verify(key.value)).toMatchObject({ code: 'expired' });
    },
  },
  {
    section: 'Managing keys',
    page: 'a person revokes a key',
    latchkey: '`DELETE /v1/api-keys/{id}` answers `{"status":"revoked"}`, also when it is repeated.',
    standing: 'console',
    async check({ company, api }) {
      const acme = await company();
      const key = await acme.key({ scopes: ['eval:read'] }, 'member');
      for (let i = 0; i < 2; i++) {
        const { status, body } = await acme.ask('DELETE', `/v1/api-keys/${key.id}`, undefined, 'member');
        expect([status, body]).toEqual([200, { status: 'revoked' }]);
      }
      expect(outcome(await api.send('GET', '/evals', bearer(key)))).toEqual([401, 'credential_invalid']);
    },
  },
];

export const LIMITS: Behaviour<World>[] = [
  {
    section: 'Limitations',
    page: 'a person has ten active keys at most',
    latchkey:
      'Counted in all organizations together. The eleventh is 409 `key_limit_reached`. A revoked key makes room, and other people have their own ten.',
    async check({ company, service }) {
      const [acme, globex] = [await company(), await company()];
      const body = { label: 'one of many', scopes: ['eval:read'] };
      const made = await Promise.all(Array.from({ length: 9 }, () => acme.key(body, 'member')));
      // The same person is a member of another company.
      const userId = acme.userId('member');
      service.workos.seed({ memberships: [{ userId, organizationId: globex.id, role: 'member' }] });
      const token = await globex.session('member', { sub: userId });
      const create = () => call(service, 'POST', '/v1/api-keys', { token, body });
      expect(outcome(await create())).toEqual([201, undefined]);
      for (const refused of [await create(), await acme.ask('POST', '/v1/api-keys', body, 'member')]) {
        expect(outcome(refused)).toEqual([409, 'key_limit_reached']);
        expect(refused.body.error.details).toMatchObject({ limit: 10 });
      }
      await acme.key(body, 'operator');
      await acme.ask('DELETE', `/v1/api-keys/${made[0]!.id}`, undefined, 'member');
      expect(outcome(await create())).toEqual([201, undefined]);
    },
  },
  {
    section: 'Limitations',
    page: 'a key has a hundred requests a minute',
    latchkey:
      '429 `rate_limited` with the wait in `details.retry_after` and `Retry-After`. Other keys have their own limit.',
    async check({ company, api, verify }) {
      const acme = await company();
      const [key, other] = [await acme.key(CREATE), await acme.key(CREATE)];
      expect(await verify(key.value)).toMatchObject({ rate_limit: { limit: 100, window_seconds: 60, remaining: 99 } });
      for (let i = 1; i < 100; i++) expect(await verify(key.value, { lease: false })).toMatchObject({ valid: true });
      const refused = await api.send('POST', '/evals', bearer(key));
      expect(outcome(refused)).toEqual([429, 'rate_limited']);
      const wait = Number(refused.body.error.details?.['retry_after']);
      expect([wait > 0, wait <= 60, refused.headers.get('retry-after')]).toEqual([true, true, String(wait)]);
      expect((await api.send('POST', '/evals', bearer(other))).status).toBe(200);
    },
  },
  {
    section: 'Limitations',
    page: 'ten evaluations run at a time',
    latchkey:
      "The product's API takes a task (`POST /v1/tasks`) for each evaluation, renews it while it runs, and releases it. A person's eleventh, with whichever of their keys, is 429 `task_limit_reached`.",
    async check({ company, api, evals, service }) {
      const acme = await company();
      const keys = [await acme.key(CREATE), await acme.key(CREATE)];
      const create = (i: number) => api.send('POST', '/evals/tasks', bearer(keys[i % keys.length]!));
      const begun = await Promise.all(Array.from({ length: 15 }, (_, i) => create(i)));
      const running = begun.filter(({ status }) => status === 200).map(({ body }) => String(body['task']));
      expect(running).toHaveLength(10);
      // Each outlives its request, and goes on for as long as it takes.
      for (let i = 0; i < 3; i++) {
        service.clock.advance(4 * MINUTE_MS);
        await evals.renewAll();
        const refused = await create(i);
        expect(outcome(refused)).toEqual([429, 'task_limit_reached']);
        expect(refused.body.error.details).toMatchObject({ limit: 10, tasks: expect.arrayContaining(running) });
      }
      await evals.end(running[0]!);
      expect((await create(0)).status).toBe(200);
      expect(outcome(await create(1))).toEqual([429, 'task_limit_reached']);
      const other = await acme.key(CREATE, 'operator');
      expect((await api.send('POST', '/evals/tasks', bearer(other))).status).toBe(200);
    },
  },
  {
    section: 'Limitations',
    page: 'a key has 41 characters: mxs_eval_ and 32 more',
    latchkey: 'So has a key from a rotation. The obfuscated `prefix` begins in the same way.',
    async check({ company }) {
      const acme = await company();
      const made = await Promise.all(Array.from({ length: 5 }, () => acme.key(CREATE)));
      const { body } = await acme.ask('POST', `/v1/api-keys/${made[0]!.id}/rotate`, {});
      for (const { value, prefix } of [...made, body as unknown as (typeof made)[0]]) {
        expect(value).toMatch(/^mxs_eval_[0-9A-Za-z]{32}$/);
        expect(prefix).toMatch(/^mxs_eval_/);
      }
      expect(new Set(made.map(({ value }) => value)).size).toBe(5);
    },
  },
];
