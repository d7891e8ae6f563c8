import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, describe, expect, it } from 'vitest';
import { call, createKey, outcome, requestKey } from '../support/api.ts';
import { metricsOf } from '../support/metrics.ts';
import { SERVICE_TOKEN, startService } from '../support/service.ts';
import type { Service } from '../support/service.ts';
import { startTestEnvironment } from '../support/test-environment.ts';
import { failAt } from '../support/workos-faults.ts';
import type { Asked } from '../support/workos-faults.ts';
import { keysAtWorkos, workosRequests } from '../support/workos-keys.ts';
import { PASSWORD, addPerson, login, refresh, tokensOf } from '../sessions/sign-in/sign-in.ts';

const MAX_HOLD_OFF_MS = 60_000;
const testing = await startTestEnvironment();
const [withRetryAfter, withoutRetryAfter] = [await startService(), await startService()];
const service = await startService(
  { ...testing.env, WORKOS_BREAKER_FAILURES: '3', LATCHKEY_SIGN_INS_PER_MINUTE: '200' },
  { product: { sessions: { password_sign_in: true } } },
);
const [first, second] = [await service.replica(), await service.replica()];

afterEach(async () => {
  service.workos.faults.clear();
  testing.workos.faults.clear();
  service.clock.advance(MAX_HOLD_OFF_MS);
  await service.db('workos_hold_offs').delete();
});

const UNAVAILABLE = [503, 'workos_unavailable'];
const verify = async (key: string, at: { url: string } = service) =>
  (await call(at, 'POST', '/v1/api-keys/verify', { token: SERVICE_TOKEN, body: { key } })).body['code'];
/** How often WorkOS was asked for anything but its JWKS meanwhile. */
const askedBy = async (run: () => Promise<unknown>, { workos }: Pick<Service, 'workos'> = service) => {
  const asked = () => workos.requests().filter(({ path }) => !path.includes('/jwks/')).length;
  const before = asked();
  await run();
  return asked() - before;
};

/** WorkOS answers the next request of this kind with 429. */
function limit(kind: Asked, retryAfter?: string, times = 1): void {
  const headers = retryAfter === undefined ? {} : { 'retry-after': retryAfter };
  failAt(service, kind, { kind: 'status', status: 429, headers, times });
}

async function organizationWithKey() {
  const acme = await service.organizations.add({ status: 'active', plan: 'scale' });
  const owner = await acme.session();
  return { acme, owner, key: await createKey(service, owner) };
}

describe('after a 429 of WorkOS', () => {
  it.each<[string, () => string | undefined, number]>([
    ['seconds', () => '20', 20],
    ['a date', () => new Date(Date.now() + 20_000).toUTCString(), 20],
    ['nothing', () => undefined, 10],
    ['more than a minute', () => '3600', 60],
  ])('with %s in Retry-After no replica calls WorkOS until then', async (_what, retryAfter, seconds) => {
    const { acme, owner, key } = await organizationWithKey();
    limit('create', retryAfter());
    expect(outcome(await requestKey(first, owner))).toEqual(UNAVAILABLE);
    // The other replica may have looked a moment ago.
    await sleep(1_050);
    const rows = () => service.db('api_keys').where({ organization_id: acme.id });
    const before = (await rows()).length;
    const requests = await askedBy(async () => {
      for (const at of [second, first, second]) {
        const refused = [
          await requestKey(at, owner),
          await call(at, 'POST', `/v1/api-keys/${key.id}/rotate`, { token: owner, body: {} }),
        ];
        for (const answer of refused) {
          expect(outcome(answer)).toEqual(UNAVAILABLE);
          const said = Number(answer.headers.get('retry-after'));
          expect(said).toBeGreaterThan(0);
          expect(said).toBeLessThanOrEqual(seconds);
        }
      }
    });
    expect([requests, (await rows()).length]).toEqual([0, before]);
    service.clock.advance(seconds * 1_000);
    for (const at of [first, second]) expect(outcome(await requestKey(at, owner))).toEqual([201, undefined]);
  });

  it('a revocation counts at once here, and reaches WorkOS after the hold-off', async () => {
    const { acme, owner, key } = await organizationWithKey();
    limit('create', '20');
    await requestKey(service, owner);
    const requests = await askedBy(async () => {
      expect((await call(service, 'DELETE', `/v1/api-keys/${key.id}`, { token: owner })).status).toBe(200);
      expect(await verify(key.value)).toBe('revoked');
      service.clock.advance(10_000);
      await service.background.runOnce('settle');
    });
    expect([requests, await keysAtWorkos(service, acme.id)]).toEqual([0, [expect.objectContaining({ id: key.id })]]);
    service.clock.advance(20_000);
    await service.background.runOnce('settle');
    expect(await keysAtWorkos(service, acme.id)).toEqual([]);
  });

  it('an unknown key is 503 and not 401, and cached keys are verified without a call', async () => {
    const { owner, key } = await organizationWithKey();
    expect(await verify(key.value)).toBe('valid');
    limit('create', '20');
    await requestKey(service, owner);
    const unknown = await call(service, 'GET', '/v1/me/session', {
      token: 'sk_made_in_the_dashboard_0123456789abcdef',
    });
    expect([...outcome(unknown), unknown.headers.get('retry-after')]).toEqual([
      ...UNAVAILABLE,
      expect.stringMatching(/^(19|20)$/),
    ]);
    const queries: string[] = [];
    const note = ({ sql }: { sql: string }) => void queries.push(sql);
    service.db.on('query', note);
    const requests = await askedBy(async () => {
      for (let i = 0; i < 20; i++) expect(await verify(key.value)).toBe('valid');
    });
    service.db.off('query', note);
    expect([requests, queries.filter((sql) => sql.includes('workos_hold_offs'))]).toEqual([0, []]);
  });

  it('the breaker stays closed after many 429s', async () => {
    const { owner } = await organizationWithKey();
    limit('create', '1', 10);
    for (let i = 0; i < 10; i++) {
      expect((await requestKey(service, owner)).headers.get('retry-after')).toBe('1');
      service.clock.advance(1_000);
    }
    expect(outcome(await requestKey(service, owner))).toEqual([201, undefined]);
  });

  it('the gauge shows the seconds left', async () => {
    const { owner } = await organizationWithKey();
    limit('create', '20');
    await requestKey(service, owner);
    const page = await metricsOf(service);
    const seconds = Number(/^latchkey_workos_hold_off_seconds\{budget="live"\} (\S+)$/m.exec(page)?.[1]);
    expect(seconds).toBeGreaterThan(15);
    expect(page).toMatch(/^latchkey_workos_hold_off_seconds\{budget="live_audit_logs"\} 0$/m);
  });
});

describe('a WorkOS with a rate limit', () => {
  it.each([
    ['with', true, withRetryAfter],
    ['without', false, withoutRetryAfter],
  ])('receives one request past the limit, %s Retry-After', async (_with, says, own) => {
    const owner = await (await own.organizations.add({ status: 'active', plan: 'scale' })).session();
    own.workos.behave({ rate_limit: { requests: 3, window_ms: 600_000, retry_after: says } });
    const statuses: number[] = [];
    const requests = await askedBy(async () => {
      for (let i = 0; i < 10; i++) statuses.push((await requestKey(own, owner)).status);
    }, own);
    expect([requests, statuses]).toEqual([4, [201, 201, 201, ...Array<number>(7).fill(503)]]);
  });
});

describe('background loops during a hold-off', () => {
  it('pause, and count neither failed items nor an outage', async () => {
    const { owner, key } = await organizationWithKey();
    limit('delete', '60');
    expect((await call(service, 'DELETE', `/v1/api-keys/${key.id}`, { token: owner })).status).toBe(200);
    const logs = service.logs.length;
    const requests = await askedBy(async () => {
      for (let i = 0; i < 10; i++) {
        service.clock.advance(4_000);
        for (const loop of ['settle', 'members', 'revoke_sessions']) await service.background.runOnce(loop);
        await expect(service.background.runOnce('events')).rejects.toMatchObject({ kind: 'limited' });
      }
    });
    expect([requests, await service.db('background_failures')]).toEqual([0, []]);
    expect(service.logs.slice(logs).filter((line) => /failed|dead letter/.test(line))).toEqual([]);
    service.clock.advance(30_000);
    await service.background.runOnce('settle');
    expect(workosRequests(service, 'DELETE', `/api_keys/${key.id}`)).toBe(2);
  });

  it('go on with keys of the other environment', async () => {
    const { owner, key } = await organizationWithKey();
    const testKey = await createKey(service, owner, { environment: 'test' });
    const reset = { kind: 'reset_before', times: 0 } as const;
    service.workos.faults.add(reset);
    testing.workos.faults.add(reset);
    for (const { id } of [key, testKey]) await call(service, 'DELETE', `/v1/api-keys/${id}`, { token: owner });
    service.workos.faults.clear();
    testing.workos.faults.clear();
    service.clock.advance(10_000);
    limit('create', '60');
    await requestKey(service, owner);
    await service.background.runOnce('settle');
    const deleted = (id: string) => service.db('api_keys').where({ workos_id: id }).first('workos_deleted_at');
    expect(await deleted(key.id)).toEqual({ workos_deleted_at: null });
    expect(await deleted(testKey.id)).toEqual({ workos_deleted_at: expect.any(Date) });
    expect(outcome(await requestKey(service, owner, { environment: 'test' }))).toEqual([201, undefined]);
  });
});

describe('POST /v1/auth/login', () => {
  it('works during a hold-off, and so does the refresh of a session', async () => {
    const { owner } = await organizationWithKey();
    const { email } = await addPerson(service);
    limit('create', '60');
    await requestKey(service, owner);
    const answer = await login(service, { email, password: PASSWORD });
    expect(outcome(answer)).toEqual([200, undefined]);
    const renewed = await refresh(service, { refresh_token: tokensOf(answer).refresh_token });
    expect(outcome(renewed)).toEqual([200, undefined]);
  });

  it('holds up nothing else when WorkOS limits it', async () => {
    const { owner } = await organizationWithKey();
    const { email } = await addPerson(service);
    const fault = { kind: 'status', status: 429, headers: { 'retry-after': '60' }, times: 0 } as const;
    service.workos.faults.add({ ...fault, method: 'POST', path: '/user_management/authenticate' });
    expect(outcome(await login(service, { email, password: PASSWORD }))).toEqual([429, 'rate_limited']);
    expect(outcome(await refresh(service, { refresh_token: 'of_nobody' }))).toEqual([429, 'rate_limited']);
    expect(outcome(await requestKey(service, owner))).toEqual([201, undefined]);
    expect(await service.db('workos_hold_offs')).toEqual([]);
  });
});
