import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { describe, expect, onTestFinished, test } from 'vitest';
import { makePolicy } from '../../../src/tenants/posture.ts';
import { NOT_LIMITED } from '../../../src/limits/rate-state.ts';
import type { Taken } from '../../../src/limits/limiter.ts';
import { policyRulesOf } from '../../../src/product/billing-rules.ts';
import { makeDecide } from '../../../src/verification/decide.ts';
import { OWN_FORWARD_FORM, makeForwardFastPath } from '../../../src/verification/fast-path/forward-fast-path.ts';
import { makeJudge } from '../../../src/verification/judge.ts';
import { makeKeyCache } from '../../../src/verification/key-cache.ts';
import type { MirrorRecord } from '../../../src/verification/mirror-record.ts';
import { refusalOf } from '../../../src/verification/refusal.ts';
import { makeTrust } from '../../../src/invalidation/trust.ts';
import { call, createKey } from '../../support/api.ts';
import { startService } from '../../support/service.ts';
import { KEY, NOWHERE, readOf, record, resolverOf } from '../resolver.ts';

const RATE = { limit: 10, windowSeconds: 60 };
const PAST_DUE = { status: 'past_due', statusSince: undefined, trialEndsAt: undefined, deletedAt: undefined } as const;
const good = (): MirrorRecord => ({
  ...record('org_a', 'key_a'),
  limits: { rate: RATE, concurrency: undefined, organizationRate: undefined },
});
const refusedBy = (rest: Partial<Taken>): Taken => ({ ...NOT_LIMITED, refused: 'rate', retryAfterSeconds: 1, ...rest });

const ignore = () => undefined;

/** What a test moves between the two judgements of one request. */
const makeState = () => ({
  inMirror: good(),
  takes: 0,
  reads: 0,
  timeMs: (_reading: number) => 1_000,
  onTake: (): Taken | Promise<Taken> => NOT_LIMITED,
  onPass: (): void => undefined,
});

/** The fast path, and what it passes on decided as the route decides it. */
function makeParts(state: ReturnType<typeof makeState>) {
  const cache = makeKeyCache({ maxKeys: 10, ttlMs: 60_000 });
  let readings = 0;
  const clock = () => new Date(state.timeMs(++readings));
  const policy = makePolicy(policyRulesOf({ grace_days: {}, postures: {} }));
  const judge = makeJudge(policy);
  const trust = makeTrust(cache, { alone: true });
  const readMirror = () => (state.reads++, Promise.resolve(readOf(state.inMirror)));
  const { lookUpKey, resolveKey } = resolverOf({ cache, trust, readMirror });
  const limiter = { take: () => (state.takes++, state.onTake()) };
  const counters = { noteUse: ignore, refreshAtWorkos: ignore, countVerdict: ignore };
  const decide = makeDecide({ judge, policy, limiter, ...counters, clock });
  const from = { isKey: (key: string) => key.startsWith('sk_'), mayCarrySession: () => false, trustProxyHops: 0 };
  const fastPath = makeForwardFastPath({
    ...from,
    lookUpKey,
    judge,
    decide,
    log: { answered: ignore, failed: ignore },
    now: clock,
    form: OWN_FORWARD_FORM,
  });
  async function route(): Promise<number> {
    state.onPass();
    const resolved = await resolveKey(KEY, NOWHERE);
    if (!resolved || 'limited' in resolved) return 401;
    const use = { environment: 'live', scopes: [], operation: 'create', ip: undefined } as const;
    const question = { ...use, presented: KEY, cost: 1, lease: false, userAgent: undefined };
    return refusalOf(await decide(resolved, question), use)?.status ?? 200;
  }
  return { cache, fastPath, route, begin: () => (readings = 0) };
}

async function startForward() {
  const state = makeState();
  const { cache, fastPath, route, begin } = makeParts(state);
  const server = createServer((req, res) => {
    begin();
    fastPath.handle(req, res, () => void route().then((status) => res.writeHead(status).end('{}')));
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(() => void server.close());
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  return {
    state,
    cache,
    remember: (kept: MirrorRecord) => cache.fill(KEY, { record: kept, readAtMs: 0 }, cache.generation()),
    async ask() {
      const answer = await fetch(`${url}/v1/auth/forward?operation=create`, { headers: { 'x-api-key': KEY } });
      const { error } = (await answer.json()) as { error?: { code: string } };
      return { status: answer.status, named: answer.headers.has('x-latchkey-key-id'), code: error?.code };
    },
  };
}

describe('GET /v1/auth/forward with a change between its two judgements', () => {
  test('refuses a key that expires, without caller headers or a spent rate', async () => {
    const { state, remember, ask } = await startForward();
    remember({ ...good(), expiresAtMs: 1_001 });
    expect(await ask()).toEqual({ status: 200, named: true, code: undefined });
    state.takes = 0;
    state.timeMs = (reading) => (reading === 1 ? 1_000 : 1_001);
    expect(await ask()).toEqual({ status: 401, named: false, code: 'credential_expired' });
    expect(state.takes).toBe(0);
  });

  test('returns 423 for a trial that ends', async () => {
    const { state, remember, ask } = await startForward();
    const account = {
      status: 'trial',
      statusSince: undefined,
      trialEndsAt: new Date(1_001),
      deletedAt: undefined,
    } as const;
    remember({ ...good(), account });
    state.timeMs = (reading) => (reading === 1 ? 1_000 : 1_001);
    expect(await ask()).toEqual({ status: 423, named: false, code: 'billing_inactive' });
    // Its key is good: what billing refuses counts, too.
    expect(state.takes).toBe(1);
  });

  test('returns 429 for a rate that is used up', async () => {
    const { state, remember, ask } = await startForward();
    remember(good());
    for (const late of [false, true]) {
      state.takes = 0;
      state.onTake = () => (late ? Promise.resolve(refusedBy({})) : refusedBy({}));
      expect(await ask()).toEqual({ status: 429, named: false, code: 'rate_limited' });
      expect(state.takes).toBe(1);
    }
  });

  test('lets a key pass that is revoked while its limit is judged, and refuses the next request', async () => {
    const { state, cache, remember, ask } = await startForward();
    remember(good());
    state.onTake = async () => {
      state.inMirror = { ...good(), revoked: true };
      cache.invalidate({ organizationId: 'org_a', keyId: 'key_a' });
      await new Promise((resolve) => setImmediate(resolve));
      return NOT_LIMITED;
    };
    expect(await ask()).toEqual({ status: 200, named: true, code: undefined });
    expect([state.takes, state.reads]).toEqual([1, 0]);
    expect((await ask()).status).toBe(401);
    expect([state.takes, state.reads]).toEqual([1, 1]);
  });

  test.each([
    ['is good now', good(), 200, 1],
    ['is revoked now', { ...good(), revoked: true }, 401, 0],
    ['still may not', { ...good(), account: PAST_DUE }, 423, 1],
  ])('follows the mirror alone if memory refuses a key that %s', async (_what, inMirror, status, takes) => {
    const { state, cache, remember, ask } = await startForward();
    remember({ ...good(), account: PAST_DUE });
    state.inMirror = inMirror;
    // A change arrives between the answer of memory and that of the mirror.
    state.onPass = () => cache.invalidate({ organizationId: 'org_a' });
    expect((await ask()).status).toBe(status);
    expect([state.takes, state.reads]).toEqual([takes, 1]);
  });
});

const service = await startService();

/** Asks, and holds that an answer says all of a good key or nothing. */
async function askWhole(key: { id: string; value: string }): Promise<number> {
  const { status, headers } = await call(service, 'GET', '/v1/auth/forward', { headers: { 'x-api-key': key.value } });
  expect(headers.get('x-latchkey-key-id')).toBe(status === 200 ? key.id : null);
  return status;
}

describe('GET /v1/auth/forward', () => {
  test('spends one request of the rate each, while memory is lost again and again', async () => {
    const acme = await service.organizations.add();
    const limit = 60;
    const key = await createKey(service, await acme.session(), { rate_limit: { limit, window_seconds: 86_400 } });
    const statuses: number[] = [];
    while (statuses.length < limit + 20) {
      const asked = Array.from({ length: 10 }, () => askWhole(key));
      setImmediate(() => service.trust.onNotification(undefined));
      statuses.push(...(await Promise.all(asked)));
    }
    const passed = statuses.filter((status) => status === 200);
    expect([passed.length, new Set(statuses)]).toEqual([limit, new Set([200, 429])]);
  });

  test('passes or refuses each request whole beside a revocation, and refuses all after it', async () => {
    const acme = await service.organizations.add();
    const owner = await acme.session();
    for (let round = 0; round < 10; round++) {
      const key = await createKey(service, owner);
      await askWhole(key);
      const asked = Array.from({ length: 10 }, () => askWhole(key));
      const revoked = call(service, 'DELETE', `/v1/api-keys/${key.id}`, { token: owner });
      asked.push(...Array.from({ length: 10 }, () => askWhole(key)));
      for (const status of await Promise.all(asked)) expect([200, 401]).toContain(status);
      expect((await revoked).status).toBe(200);
      expect(await askWhole(key)).toBe(401);
    }
  });
});
