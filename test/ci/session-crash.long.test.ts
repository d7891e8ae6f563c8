import { describe, expect, test } from 'vitest';
import { call, outcome } from '../support/api.ts';
import { makeMortal } from '../support/mortal-database.ts';
import { startService } from '../support/service.ts';
import { createPolicy, exchange, jobToken } from './ci.ts';

const TIMEOUT_MS = 20_000;
const LOCK_MS = 2 * TIMEOUT_MS + 1_000;
const MAX_STATEMENTS = 60;
const service = await startService({ WORKOS_TIMEOUT_MS: String(TIMEOUT_MS) });
const mortal = makeMortal(service.db);

async function setUp() {
  const acme = await service.organizations.add();
  const policy = await createPolicy(service, await acme.session(), { issue: 'session' });
  const token = await jobToken(service, acme, { exp: Math.floor(service.clock().getTime() / 1_000) + 3_600 });
  return { acme, policy, token };
}

/** What an exchange leaves: sessions, used tokens and audit events. */
async function leftOf(organizationId: string) {
  const count = async (table: string, where: object = {}) =>
    (await service.db(table).where({ organization_id: organizationId, ...where })).length;
  return [
    await count('ci_sessions'),
    await count('ci_token_uses'),
    await count('audit_events', { action: 'ci.exchanged' }),
  ];
}

const NOTHING = [0, 0, 0];
const ALL = [1, 1, 1];

/** An exchange whose process dies after so many statements, what it left, and what its job gets when it tries again. */
async function dieAfter(statements: number, idempotencyKey: string | undefined) {
  const { acme, policy, token } = await setUp();
  const asked = { policy, token, ...(idempotencyKey !== undefined && { idempotencyKey }) };
  mortal.dieAfter(statements);
  const answer = await exchange(service, asked);
  const hasDied = mortal.revive();
  const left = await leftOf(acme.id);
  service.clock.advance(LOCK_MS);
  const retry = await exchange(service, asked);
  const { access_token: session = 'none' } = retry.body as { access_token?: string };
  const opens = await call(service, 'GET', '/v1/api-keys', { token: session });
  const other = await exchange(service, { policy, token });
  return {
    hasDied,
    left,
    answer: outcome(answer),
    retry: [...outcome(retry), opens.status],
    other: outcome(other),
    atLast: await leftOf(acme.id),
  };
}

const USED = [409, 'ci_token_used'];
const OPENS = [200, undefined, 200];
const REFUSED = [...USED, 401];

describe('POST /v1/ci/exchange for a session, whose process dies at any statement', () => {
  test.each([
    ['without an Idempotency-Key', undefined, REFUSED],
    ['with an Idempotency-Key, which gives the session again', 'job', OPENS],
  ])('leaves all of it or nothing, %s', async (_name, idempotencyKey, retryOfDone) => {
    const trials: Awaited<ReturnType<typeof dieAfter>>[] = [];
    do trials.push(await dieAfter(trials.length + 1, idempotencyKey));
    while (trials.at(-1)!.hasDied && trials.length < MAX_STATEMENTS);
    const lived = trials.pop()!;
    expect(lived).toMatchObject({ hasDied: false, answer: [200, undefined], left: ALL, other: USED, atLast: ALL });

    const done = trials.filter(({ left }) => String(left) === String(ALL));
    const undone = trials.filter((trial) => !done.includes(trial));
    expect(undone.map(({ left }) => left)).toEqual(undone.map(() => NOTHING));
    expect(undone.map(({ retry }) => retry)).toEqual(undone.map(() => OPENS));
    expect(done.map(({ retry }) => retry)).toEqual(done.map(() => retryOfDone));
    expect(trials.map(({ other }) => other)).toEqual(trials.map(() => USED));
    expect(trials.map(({ atLast }) => atLast)).toEqual(trials.map(() => ALL));
    // Among them are the death before the commit, and the one whose commit was carried out.
    expect([undone.length > 5, done.length > 0]).toEqual([true, true]);
  });
});
