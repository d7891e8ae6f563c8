import type { Knex } from 'knex';
import type { Key } from '../api-keys/key.ts';
import { keyEvent } from '../api-keys/key-audit.ts';
import type { KeyRevocation } from '../api-keys/revoke-key.ts';
import { backgroundSource } from '../audit/audit-event.ts';
import type { AuditLog } from '../audit/audit-log.ts';
import type { Clock } from '../clock.ts';
import { transaction } from '../db/transaction.ts';
import { AppError } from '../errors.ts';
import type { RequestContext } from '../http/route.ts';
import type { LeakResponse } from '../product/key-rules.ts';
import { addPlace } from './leak-repository.ts';
import type { LeakOrigin } from './origins.ts';
import { nameOfPlace, placeOf } from './place.ts';
import type { ReportedToken } from './report-schemas.ts';

type KeyId = { organizationId: string; keyId: string };
type Deps = {
  db: Knex;
  /** Finds the key of a token, whatever its state. @throws AppError `workos_unavailable` if WorkOS alone could know it */
  findKey: (token: string, ip: string | undefined) => Promise<KeyId | undefined>;
  lockKey: (trx: Knex.Transaction, organizationId: string, id: string) => Promise<Key | undefined>;
  markLeaked: (trx: Knex.Transaction, key: Key, now: Date) => Promise<void>;
  revocation: KeyRevocation;
  responseOf: (permissionSet: string | undefined) => LeakResponse;
  audit: Pick<AuditLog, 'append'>;
  clock: Clock;
};

/**
 * What became of a token: `revoked` now, `notified` only, `already_revoked` before, `unknown` as a key, or `unavailable`:
 * it cannot be looked up now.
 */
export const TOKEN_OUTCOMES = ['revoked', 'notified', 'already_revoked', 'unknown', 'unavailable'] as const;
export type TokenOutcome = (typeof TOKEN_OUTCOMES)[number];
export type TakeTokens = ReturnType<typeof makeTakeTokens>;

type Sent = Pick<RequestContext, 'requestId' | 'ip'> & { origin: LeakOrigin };

/**
 * Takes reported tokens. The key that a token is of gets `api_key.leaked` in the audit log, once for each place, and is
 * revoked in the same transaction, unless its permission set says otherwise. A repeated report changes nothing. Nothing
 * of a token is kept.
 * @returns the outcome of each, in their order
 */
export function makeTakeTokens(deps: Deps) {
  return async function takeTokens(reported: readonly ReportedToken[], sent: Sent): Promise<TokenOutcome[]> {
    const found = await Promise.all(reported.map(({ token }) => look(deps, token, sent.ip)));
    const outcomes: TokenOutcome[] = [];
    // One at a time: a report takes one database connection, however many keys it names.
    for (const [i, key] of found.entries())
      outcomes.push(typeof key === 'object' ? await respond(deps, key, reported[i]!, sent) : key);
    return outcomes;
  };
}

async function look(
  { findKey }: Deps,
  token: string,
  ip: string | undefined,
): Promise<KeyId | 'unknown' | 'unavailable'> {
  try {
    return (await findKey(token, ip)) ?? 'unknown';
  } catch (error) {
    if (error instanceof AppError && error.code === 'workos_unavailable') return 'unavailable';
    throw error;
  }
}

async function respond(deps: Deps, id: KeyId, reported: ReportedToken, sent: Sent): Promise<TokenOutcome> {
  const plan = await deps.revocation.plan(id.organizationId);
  const done = await transaction(deps.db, async (trx) => {
    const key = await deps.lockKey(trx, id.organizationId, id.keyId);
    if (!key) return undefined;
    const outcome = outcomeFor(deps, key);
    const source = { ...backgroundSource('system', `leaks:${sent.origin}`), requestId: sent.requestId, ip: sent.ip };
    await recordPlace(deps, trx, { key, outcome, source, reported, sent });
    if (outcome === 'revoked') await deps.revocation.here(trx, key, { source, reason: 'leaked', ...plan });
    return { key, outcome };
  });
  if (done?.outcome === 'revoked') await deps.revocation.there(done.key, plan);
  return done?.outcome ?? 'unknown';
}

function outcomeFor({ responseOf }: Deps, key: Key): 'revoked' | 'notified' | 'already_revoked' {
  if (key.revokedAt) return 'already_revoked';
  return responseOf(key.permissionSet) === 'revoke' ? 'revoked' : 'notified';
}

type Leak = {
  key: Key;
  outcome: TokenOutcome;
  source: ReturnType<typeof backgroundSource>;
  reported: ReportedToken;
  sent: Sent;
};

async function recordPlace(
  { audit, clock, markLeaked }: Deps,
  trx: Knex.Transaction,
  { key, outcome, source, reported, sent }: Leak,
): Promise<void> {
  const place = placeOf(sent.origin, reported);
  const now = clock();
  if (!(await addPlace(trx, { key, place: nameOfPlace(place), now }))) return;
  await markLeaked(trx, key, now);
  const details = { label: key.label, ...place, response: outcome };
  await audit.append(trx, keyEvent(key.organizationId, key.id, 'api_key.leaked', source, details));
}
