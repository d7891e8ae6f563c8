import { LRUCache } from 'lru-cache';
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
  /** Those that there is a WorkOS for. */
  environments: readonly Environment[];
  mirrorKeys: Pick<MirrorKeys, 'made' | 'attach'>;
  hasher: Pick<KeyHasher, 'keep' | 'hmacKeyIds'>;
  announce: Announce;
  /** Asks what the owner of a personal key may do, if that is not known. Never fails. */
  askAboutMember: (member: { organizationId: string; userId: string }) => Promise<void>;
  isExpected: IsExpected;
  failures: Pick<FailedCredentials, 'overFor'>;
  /** Whoever tries keys must not use up what WorkOS allows us: 100 requests a second, for everything. */
  questions: Pick<FairTurns, 'turn'>;
  /** Counts a question about a key that the mirror does not expect towards what the guesser of this name may ask. */
  takeUnexpectedKey: (guesser: string) => Promise<Pick<RateTaken, 'refused' | 'resetSeconds'>>;
};

/** How long a key that WorkOS does not know is refused without asking again, and how many such keys are kept in mind. */
const REFUSED_TTL_MS = 30_000;
const MAX_REFUSED = 10_000;
const RETRY_SECONDS = 5;
const QUESTION_RETRY_SECONDS = 1;

/**
 * Asks WorkOS once about a key that the mirror does not know by its secret: one made in WorkOS's dashboard, used for
 * the first time, or one whose hash is of a secret that was dropped. What WorkOS confirms is attached to the key's row,
 * which from then on answers for it. About a key that no such row looks like, a guesser has few questions; all questions
 * are shared fairly, and of each kind tenants have no more than services and addresses.
 * @returns whether the mirror knows the key now
 * @throws AppError `workos_unavailable` when WorkOS did not say; `NoQuestionLeft` when it could not be asked
 */
export function makeAdoptKey(deps: Deps) {
  const refused = new LRUCache<string, true>({ max: MAX_REFUSED, ttl: REFUSED_TTL_MS });
  const asking = new Map<string, Promise<boolean>>();

  async function question(presented: string, name: string, guesser: Guesser): Promise<boolean> {
    // A secret that follows one way from WorkOS's is nothing that WorkOS knows.
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

/** It is shown as it was handed out here, or as WorkOS shows it. */
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
    // Others may remember that they do not know it.
    if (attached) await announce(trx, { organizationId, keyId });
    return attached;
  });
  if (known && userId !== undefined) await askAboutMember({ organizationId, userId });
  return known;
}

/**
 * Where a key's form does not say of which environment it is, each is asked. A test environment that cannot say then
 * leaves the key unknown: whoever presents a live one must not wait for it.
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
    // It was our own credential that WorkOS did not like: nothing is known of the key.
    throw new AppError('workos_unavailable', 'WorkOS cannot say whether this key is good.', {
      cause: error,
      details: { retry_after: RETRY_SECONDS },
    });
  }
}
