import type { Knex } from 'knex';
import { LRUCache } from 'lru-cache';
import type { Logger } from 'pino';
import type { Clock } from '../clock.ts';
import { transaction } from '../db/transaction.ts';
import { AppError } from '../errors.ts';
import { markAgain } from './marks.ts';
import { notice } from './notice.ts';
import type { OutboxWriter } from './outbox-writer.ts';

type Deps = { db: Knex; outbox: Pick<OutboxWriter, 'wants' | 'tell'>; clock: Clock; log: Pick<Logger, 'warn'> };

const TYPE = 'api_key.limit_reached';
const HOUR_MS = 60 * 60_000;
/** When somebody else told it within the hour, this process asks again after so long. */
const ASK_AGAIN_MS = 60_000;
const MAX_ORGANIZATIONS = 10_000;
/** Written beside the requests: more at a time would take their connections. */
const MAX_WRITING = 2;

/**
 * Tells of refusals for the key limit, at most once an hour for an organization. What refused is undone, so that this
 * is a transaction of its own, which the refusal neither waits for nor fails with.
 */
export function makeTellLimitReached({ db, outbox, clock, log }: Deps) {
  const toldAt = new LRUCache<string, number>({ max: MAX_ORGANIZATIONS });
  let writing = 0;

  async function write(organizationId: string, limit: number): Promise<void> {
    const now = clock();
    const notSince = new Date(now.getTime() - HOUR_MS);
    const isTold = await transaction(db, async (trx) => {
      if (!(await markAgain(trx, { organizationId, subject: organizationId, kind: 'limit' }, { now, notSince })))
        return false;
      await outbox.tell(trx, organizationId, [notice(TYPE, organizationId, now, { details: { limit } })]);
      return true;
    });
    if (!isTold) toldAt.set(organizationId, now.getTime() - HOUR_MS + ASK_AGAIN_MS);
  }

  function tell(organizationId: string, limit: number): void {
    const now = clock().getTime();
    if (writing >= MAX_WRITING || now - (toldAt.get(organizationId) ?? -Infinity) < HOUR_MS) return;
    toldAt.set(organizationId, now);
    writing += 1;
    void write(organizationId, limit)
      .catch((error: unknown) => {
        toldAt.delete(organizationId);
        log.warn({ err: error }, 'that a key limit was reached could not be told');
      })
      .finally(() => {
        writing -= 1;
      });
  }

  /** The same way to make a key, whose refusals are told. */
  return function tellingOfLimit<Args extends [{ organizationId: string }, ...unknown[]], Made>(
    create: (...args: Args) => Promise<Made>,
  ): (...args: Args) => Promise<Made> {
    if (!outbox.wants(TYPE)) return create;
    return (...args) =>
      create(...args).catch((error: unknown) => {
        const limit = error instanceof AppError && error.code === 'key_limit_reached' && error.details?.['limit'];
        // A person's own limit is nobody else's concern.
        const isPersonal = error instanceof AppError && error.details?.['owner'] === 'user';
        if (typeof limit === 'number' && !isPersonal) tell(args[0].organizationId, limit);
        throw error;
      });
  };
}
