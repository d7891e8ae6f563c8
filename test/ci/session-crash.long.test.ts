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

describe('POST /v1/ci/exchange for a session, whose process dies at any statement', () => {
  test.each([undefined, 'job'])('leaves all of it or nothing, with the Idempotency-Key %s', async (idempotencyKey) => {
    const seen = { nothing: 0, all: 0 };
    for (let statements = 1; ; statements++) {
      expect(statements).toBeLessThan(MAX_STATEMENTS);
      const { acme, policy, token } = await setUp();
      const asked = { policy, token, ...(idempotencyKey !== undefined && { idempotencyKey }) };
      mortal.dieAfter(statements);
      const answer = await exchange(service, asked);
      if (!mortal.revive()) {
        expect(outcome(answer)).toEqual([200, undefined]);
        break;
      }
      const left = await leftOf(acme.id);
      expect([NOTHING, ALL], `after ${statements} statements`).toContainEqual(left);
      const isThere = left[0] === 1;
      seen[isThere ? 'all' : 'nothing'] += 1;

      service.clock.advance(LOCK_MS);
      const retry = await exchange(service, asked);
      const isFree = !isThere || idempotencyKey !== undefined;
      expect(outcome(retry), `after ${statements} statements`).toEqual(
        isFree ? [200, undefined] : [409, 'ci_token_used'],
      );
      expect(await leftOf(acme.id)).toEqual(ALL);
      if (isFree) {
        const keys = await call(service, 'GET', '/v1/api-keys', { token: String(retry.body['access_token']) });
        expect(keys.status).toBe(200);
      }
      expect(outcome(await exchange(service, { policy, token }))).toEqual([409, 'ci_token_used']);
      expect(await leftOf(acme.id)).toEqual(ALL);
    }
    // The answer of the commit was lost, too.
    expect(seen.nothing).toBeGreaterThan(5);
    expect(seen.all).toBeGreaterThan(0);
  });
});
