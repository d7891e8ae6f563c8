import type { Knex } from 'knex';
import type { Logger } from 'pino';
import type { Clock } from '../clock.ts';
import type { Metrics } from '../telemetry/metrics.ts';
import { heldOffMs } from '../workos/failure.ts';
import { describeFailure, isOwnFailure } from './describe-failure.ts';
import { makeFailureRepository } from './failure-repository.ts';
import type { FailureRepository, ItemName } from './failure-repository.ts';
import type { DeadLetters } from './loop.ts';

export type ItemDeps = {
  db: Knex;
  failures: Metrics['failures'];
  clock: Clock;
  log: Pick<Logger, 'warn' | 'error'>;
};

type Options<T> = {
  name: (item: T) => ItemName;
  work: (item: T) => Promise<unknown>;
  /**
   * Moves the due time of an item that has one of its own. `dueAt` is undefined when the failure is not the item's, such
   * as an outage. Items without a due time are skipped until `dueAt`.
   */
  postpone?: (item: T, dueAt: Date | undefined, error: unknown) => Promise<void>;
  /** Works on all items concurrently. */
  parallel?: boolean;
  signal?: AbortSignal | undefined;
};

/** Makes the items of the named loop. */
export type ItemsOf = (loop: string, wake?: Wake) => Items;
/** Makes a retried dead letter due, if the item has a due time of its own. */
type Wake = (item: { id: string; organizationId: string | undefined }, now: Date) => Promise<void>;

const MAX_FAILURE = 200;

export type Items = ReturnType<typeof makeItems>;

/**
 * Works on a loop's items independently: a failing item is set aside with a growing backoff, becomes a dead letter after
 * eight failures, and holds up no other item.
 */
export function makeItems({ db, failures, clock, log }: ItemDeps, loop: string, wake?: Wake) {
  const repository = makeFailureRepository(db, loop);

  async function setAside<T>(item: T, { name, postpone }: Options<T>, error: unknown): Promise<void> {
    // The call was held back, so this is no failure of the item.
    if (heldOffMs(error) !== undefined) {
      if (!postpone) throw error;
      return postpone(item, undefined, error);
    }
    const named = name(item);
    failures.inc({ loop });
    const fields = { loop, item: named.id, organization_id: named.organizationId };
    log.warn({ ...fields, err: error }, 'background item failed; retrying later');
    const own = isOwnFailure(error);
    const aside = own ? await repository.record(named, describeFailure(error), clock()) : undefined;
    if (aside?.dead) log.error({ ...fields, attempts: aside.attempts }, 'background item became a dead letter');
    if (postpone) await postpone(item, aside?.dueAt, error);
    else if (!own) throw error;
  }

  /** @throws an outage, for items without a due time of their own; a failure of an item itself is set aside */
  async function each<T>(items: readonly T[], options: Options<T>): Promise<void> {
    const known = await repository.known(items.map((item) => options.name(item).id));
    const isHeld = (id: string) => !options.postpone && (known.get(id) ?? 0) > clock();
    const one = async (item: T): Promise<void> => {
      const { id } = options.name(item);
      if (options.signal?.aborted || isHeld(id)) return;
      try {
        await options.work(item);
      } catch (error) {
        return setAside(item, options, error);
      }
      if (known.has(id)) await repository.forget(id);
    };
    if (options.parallel) await Promise.all(items.map(one));
    else for (const item of items) await one(item);
  }

  return {
    each,
    deadLetters: deadLettersOf(repository, clock, wake),
    /** Lists items that were set aside with their payload, and are due again. */
    due: (limit: number) => repository.due(clock(), limit),
    /** Makes an item a dead letter at once, since a retry would fail in the same way. */
    async bury(item: ItemName, failure: string): Promise<void> {
      failures.inc({ loop });
      await repository.record(item, failure.slice(0, MAX_FAILURE), clock(), 1);
      log.error({ loop, item: item.id, organization_id: item.organizationId }, 'background item became a dead letter');
    },
    forget: repository.forget,
  };
}

export function makeItemsOf(deps: ItemDeps): ItemsOf {
  return (loop, wake) => makeItems(deps, loop, wake);
}

function deadLettersOf(repository: FailureRepository, clock: Clock, wake: Wake | undefined): DeadLetters {
  return {
    list: repository.listDead,
    count: repository.countDead,
    async retry(id) {
      const now = clock();
      const revived = await repository.revive(id, now);
      if (revived) await wake?.({ id, ...revived }, now);
      return revived !== undefined;
    },
  };
}

/**
 * Returns an SQL condition that leaves out the items of a loop that are set aside. Takes one binding, the time.
 * @param item the item's name, in SQL
 */
export function notSetAside(loop: string, item: string): string {
  return `not exists (
    select from background_failures as failure
    where failure.loop = '${loop}' and failure.item = ${item} and failure.due_at > ?
  )`;
}
