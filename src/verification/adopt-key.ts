import { LRUCache } from 'lru-cache';
import type { Knex } from 'knex';
import { backgroundSource } from '../audit/audit-event.ts';
import { transaction } from '../db/transaction.ts';
import { AppError } from '../errors.ts';
import type { MirrorKeys } from '../keys/mirror-keys.ts';
import type { WorkosKey } from '../workos/entities.ts';
import { WorkosFailure } from '../workos/failure.ts';
import type { WorkosGateway } from '../workos/gateway.ts';

type Deps = {
  db: Knex;
  workos: Pick<WorkosGateway, 'validateKey'>;
  mirrorKeys: Pick<MirrorKeys, 'made' | 'attach'>;
  /** Whoever tries keys must not use up what WorkOS allows us: 100 requests a second, for everything. */
  questionsPerSecond: number;
};

/** How long a key that WorkOS does not know is refused without asking again, and how many such keys are kept in mind. */
const REFUSED_TTL_MS = 30_000;
const MAX_REFUSED = 10_000;
const RETRY_SECONDS = 5;

/**
 * Asks WorkOS once about a key that the mirror does not know by its secret: one made in WorkOS's dashboard, used for
 * the first time. What WorkOS confirms is attached to the key's row, which from then on answers for it.
 * @returns whether the mirror knows the key now
 * @throws AppError `workos_unavailable` when WorkOS did not say
 */
export function makeAdoptKey(deps: Deps) {
  const refused = new LRUCache<string, true>({ max: MAX_REFUSED, ttl: REFUSED_TTL_MS });
  const asking = new Map<string, Promise<boolean>>();
  const mayAsk = makeRateBound(deps.questionsPerSecond);

  return async function adoptKey(presented: string, hash: Buffer): Promise<boolean> {
    const name = hash.toString('base64');
    if (refused.has(name)) return false;
    const running = asking.get(name);
    if (running) return running;
    if (!mayAsk()) return false;
    const question = adopt(deps, presented, hash).finally(() => asking.delete(name));
    asking.set(name, question);
    const known = await question;
    if (!known) refused.set(name, true);
    return known;
  };
}

async function adopt({ db, workos, mirrorKeys }: Deps, presented: string, hash: Buffer): Promise<boolean> {
  const key = await ask(workos, presented);
  if (!key || key.userId !== undefined) return false;
  return transaction(db, async (trx) => {
    await mirrorKeys.made(trx, key, backgroundSource('workos', 'workos'));
    return mirrorKeys.attach(trx, key, hash);
  });
}

async function ask(workos: Deps['workos'], presented: string): Promise<WorkosKey | undefined> {
  try {
    return await workos.validateKey(presented);
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

/** At most this many a second, in bursts of as many. */
function makeRateBound(perSecond: number): () => boolean {
  let allowance = perSecond;
  let countedAt = performance.now();
  return () => {
    const now = performance.now();
    allowance = Math.min(perSecond, allowance + ((now - countedAt) / 1_000) * perSecond);
    countedAt = now;
    if (allowance < 1) return false;
    allowance -= 1;
    return true;
  };
}
