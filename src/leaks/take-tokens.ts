import type { Knex } from 'knex';
import type { Key } from '../api-keys/key.ts';
import { keyEvent } from '../api-keys/key-audit.ts';
import { statusOf } from '../api-keys/key.ts';
import type { KeyRevocation } from '../api-keys/revoke-key.ts';
import { isSuspendable } from '../api-keys/suspension/suspend-key.ts';
import type { SuspendHere } from '../api-keys/suspension/suspend-key.ts';
import { backgroundSource } from '../audit/audit-event.ts';
import type { Actor, AuditSource } from '../audit/audit-event.ts';
import type { AuditLog } from '../audit/audit-log.ts';
import type { Clock } from '../clock.ts';
import { transaction } from '../db/transaction.ts';
import { AppError } from '../errors.ts';
import type { RequestContext } from '../http/route.ts';
import type { LeakResponse } from '../product/key-rules.ts';
import { addPlace } from './leak-repository.ts';
import type { LeakOrigin } from './origins.ts';
import { nameOfPlace, placeOf } from './place.ts';
import type { Place } from './place.ts';
import type { ReportedToken } from './report-schemas.ts';

type KeyId = { organizationId: string; keyId: string };
type Deps = {
  db: Knex;
  /** Finds the key of a token: active, suspended, expired or revoked. @throws AppError `workos_unavailable` if WorkOS alone could know it */
  findKey: (token: string, ip: string | undefined) => Promise<KeyId | undefined>;
  lockKey: (trx: Knex.Transaction, organizationId: string, id: string) => Promise<Key | undefined>;
  markLeaked: (trx: Knex.Transaction, key: Key, now: Date) => Promise<void>;
  revocation: KeyRevocation;
  suspendHere: SuspendHere;
  responseOf: (permissionSet: string | undefined) => LeakResponse;
  audit: Pick<AuditLog, 'append'>;
  clock: Clock;
};

/** What was done to a key: it was revoked or suspended now, only recorded, or was revoked or suspended before. */
export const LEAK_OUTCOMES = ['revoked', 'suspended', 'notified', 'already_revoked', 'already_suspended'] as const;
type LeakOutcome = (typeof LEAK_OUTCOMES)[number];
/** What became of a token: of a key, or it is `unknown` as one, or `unavailable`: it cannot be looked up now. */
export type TokenOutcome = LeakOutcome | 'unknown' | 'unavailable';
export type TakeTokens = ReturnType<typeof makeTakeTokens>;

type Sent = Pick<RequestContext, 'requestId' | 'ip'> & { origin: LeakOrigin };

/**
 * Takes reported tokens. The key that a token is of gets `api_key.leaked` in the audit log, once for each place, and is
 * revoked or suspended in the same transaction, as its permission set says. A repeated report changes nothing: a key that a
 * person resumed is suspended again for another place alone. Nothing of a token is kept.
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
    const source = { ...backgroundSource('system', `leaks:${sent.origin}`), requestId: sent.requestId, ip: sent.ip };
    const place = placeOf(sent.origin, reported);
    const now = deps.clock();
    const isNews = await addPlace(trx, { key, place: nameOfPlace(place), now });
    const outcome = outcomeFor(deps, key, { isNews, actor: source.actor, now });
    if (isNews) await recordPlace(deps, trx, { key, outcome, source, place, now });
    if (outcome === 'suspended') await deps.suspendHere(trx, key, { source, reason: 'leaked' });
    if (outcome === 'revoked') await deps.revocation.here(trx, key, { source, reason: 'leaked', ...plan });
    return { key, outcome };
  });
  if (done?.outcome === 'revoked') await deps.revocation.there(done.key, plan);
  return done?.outcome ?? 'unknown';
}

type Report = { isNews: boolean; actor: Actor; now: Date };

function outcomeFor({ responseOf }: Deps, key: Key, { isNews, actor, now }: Report): LeakOutcome {
  if (key.revokedAt) return 'already_revoked';
  const response = responseOf(key.permissionSet);
  if (response === 'revoke') return 'revoked';
  if (response === 'notify' || statusOf(key, now) === 'expired') return 'notified';
  if (!isSuspendable(key, actor)) return 'already_suspended';
  return isNews ? 'suspended' : 'notified';
}

type Leak = { key: Key; outcome: LeakOutcome; source: AuditSource; place: Place; now: Date };

async function recordPlace(
  { audit, markLeaked }: Deps,
  trx: Knex.Transaction,
  { key, outcome, source, place, now }: Leak,
): Promise<void> {
  await markLeaked(trx, key, now);
  const details = { label: key.label, ...place, response: outcome };
  await audit.append(trx, keyEvent(key.organizationId, key.id, 'api_key.leaked', source, details));
}
