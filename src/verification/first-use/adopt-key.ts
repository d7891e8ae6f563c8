import { makeBoundedCache } from '../../bounded-cache.ts';
import type { Knex } from 'knex';
import { backgroundSource } from '../../audit/audit-event.ts';
import { transaction } from '../../db/transaction.ts';
import { AppError } from '../../errors.ts';
import type { KeyFormat } from '../../api-keys/format/key-format.ts';
import type { MirrorKeys } from '../../api-keys/mirror/mirror-keys.ts';
import type { FailedCredentials } from '../../limits/guesses/failed-credentials.ts';
import type { FairTurns } from '../../limits/fair-turns.ts';
import { nameOfGuesser } from '../../limits/guesses/guesser.ts';
import type { Guesser } from '../../limits/guesses/guesser.ts';
import type { RateTaken } from '../../limits/limiter.ts';
import type { Environment } from '../../api-keys/key.ts';
import type { WorkosKey } from '../../workos/entities.ts';
import { WorkosFailure } from '../../workos/failure.ts';
import type { KeyGateway } from '../../workos/gateway.ts';
import type { Announce } from '../../invalidation/announce.ts';
import type { IsExpected } from './expected-keys.ts';
import type { KeyHasher } from '../hmac/key-hasher.ts';
import { NoQuestionLeft } from '../resolve-key.ts';

type Deps = {
  db: Knex;
  format: Pick<KeyFormat, 'read'>;
  workosOf: (environment: Environment) => Pick<KeyGateway, 'validateKey'>;
  /** The environments that are configured. */
  environments: readonly Environment[];
  mirrorKeys: Pick<MirrorKeys, 'made' | 'attach'>;
  hasher: Pick<KeyHasher, 'keep' | 'hmacKeyIds'>;
  announce: Announce;
  /** Reads the permissions of a personal key's owner, if they are unknown. Never fails. */
  askAboutMember: (member: { organizationId: string; userId: string }) => Promise<void>;
  isExpected: IsExpected;
  failures: Pick<FailedCredentials, 'overFor'>;
  /** Bounds validations, so that guesses do not use up WorkOS's limit: 100 requests a second in all. */
  questions: Pick<FairTurns, 'turn'>;
  /** Counts a question about an unexpected key against its guesser. */
  takeUnexpectedKey: (guesser: string) => Promise<Pick<RateTaken, 'refused' | 'resetSeconds'>>;
};

/** How long a key that WorkOS does not know is refused without asking again, and how many such keys are remembered. */
const REFUSED_TTL_MS = 30_000;
const MAX_REFUSED = 10_000;
const RETRY_SECONDS = 5;
const QUESTION_RETRY_SECONDS = 1;

/**
 * Asks WorkOS once about a key whose secret the mirror does not know: on the first use of a key that was made in WorkOS's
 * dashboard, or of one whose HMAC key was dropped. A confirmed secret is attached to the key's row, which answers from
 * then on. A guesser has few questions about keys that match no such row. All questions are shared fairly, and tenants
 * get no more of each kind than services and addresses.
 * @returns whether the mirror knows the key now
 * @throws AppError `workos_unavailable` if WorkOS does not answer; `NoQuestionLeft` if it may not be asked
 */
export function makeAdoptKey(deps: Deps) {
  const refused = makeBoundedCache<true>({ max: MAX_REFUSED, ttl: REFUSED_TTL_MS });
  const asking = new Map<string, Promise<boolean>>();

  async function question(presented: string, name: string, guesser: Guesser): Promise<boolean> {
    // WorkOS does not know a secret that is derived from its own.
    const read = deps.format.read(presented);
    const secret = read?.workosSecret;
    if (secret === undefined) return false;
    await takeQuestion(deps, [presented, secret], guesser);
    const known = await adopt(deps, secret, read?.environment);
    if (!known) refused.set(name, true);
    return known;
  }

  return async function adoptKey(presented: string, name: string, guesser: Guesser): Promise<boolean> {
    if (refused.has(name)) return false;
    const running = asking.get(name);
    if (running) return running;
    const asked = question(presented, name, guesser).finally(() => asking.delete(name));
    asking.set(name, asked);
    return asked;
  };
}

/** @throws NoQuestionLeft */
async function takeQuestion(deps: Deps, shown: readonly string[], guesser: Guesser): Promise<void> {
  const name = nameOfGuesser(guesser);
  const expected = await isAnyExpected(deps, shown);
  if (!expected) {
    const over = deps.failures.overFor(guesser);
    if (over) throw new NoQuestionLeft(over.seconds);
    const { refused, resetSeconds } = await deps.takeUnexpectedKey(name);
    if (refused) throw new NoQuestionLeft(resetSeconds);
  }
  const tier = `${expected ? 'expected' : 'unexpected'} ${'organizationId' in guesser ? 'tenant' : 'address'}`;
  if (!(await deps.questions.turn(name, tier))) throw new NoQuestionLeft(QUESTION_RETRY_SECONDS);
}

/** A row shows a key as it was handed out here, or as WorkOS shows it. */
async function isAnyExpected({ isExpected }: Deps, shown: readonly string[]): Promise<boolean> {
  for (const each of new Set(shown)) if (await isExpected(each)) return true;
  return false;
}

async function adopt(deps: Deps, secret: string, environment: Environment | undefined): Promise<boolean> {
  const { db, mirrorKeys, hasher, announce, askAboutMember } = deps;
  const key = await askEach(deps, secret, environment);
  if (!key) return false;
  const { organizationId, userId, id: keyId } = key;
  const known = await transaction(db, async (trx) => {
    await mirrorKeys.made(trx, key, backgroundSource('workos', 'workos'));
    const attached = await mirrorKeys.attach(trx, key, hasher.keep(secret), hasher.hmacKeyIds);
    // Other replicas may remember it as unknown.
    if (attached) await announce(trx, { organizationId, keyId });
    return attached;
  });
  if (known && userId !== undefined) await askAboutMember({ organizationId, userId });
  return known;
}

/**
 * Asks each environment that the key's form allows. If the form allows both, a failing test environment leaves the key
 * unknown: live keys must not depend on it.
 */
async function askEach({ workosOf, environments }: Deps, secret: string, environment: Environment | undefined) {
  for (const each of environments) {
    if (environment !== undefined && environment !== each) continue;
    const asked = ask(workosOf(each), secret);
    const key = await (each === 'test' && environment === undefined ? asked.catch(() => undefined) : asked);
    if (key) return key;
  }
  return undefined;
}

async function ask(workos: Pick<KeyGateway, 'validateKey'>, secret: string): Promise<WorkosKey | undefined> {
  try {
    return await workos.validateKey(secret);
  } catch (error) {
    if (!(error instanceof WorkosFailure) || error.code !== 'workos_rejected') throw error;
    if (error.workosStatus === 400 || error.workosStatus === 422) return undefined;
    // WorkOS refused Latchkey's own credential, which says nothing about the key.
    throw new AppError('workos_unavailable', 'WorkOS cannot be asked about this key now. Try again shortly.', {
      cause: error,
      details: { retry_after: RETRY_SECONDS },
    });
  }
}
