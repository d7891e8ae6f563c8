import { AsyncLocalStorage } from 'node:async_hooks';
import { setImmediate as turn, setTimeout as sleep } from 'node:timers/promises';
import type { Knex } from 'knex';
import type { Logger } from 'pino';
import { INVALIDATION_CHANNEL, payloadsOf } from './invalidation.ts';
import type { Announced } from './invalidation.ts';

type Deps = { db: Knex; log: Pick<Logger, 'warn'> };

export type Notifications = ReturnType<typeof makeNotifications>;

const GATHER_MS = 2;
/** With more between two heartbeats, replicas forget everything. */
const MAX_WAITING = 10_000;

// Nothing is lost with it: a replica that receives no notification reads the log.
const NOTIFY = `select set_config('synchronous_commit', 'off', true), pg_notify(?, payload)
  from unnest(?::text[]) as payload`;

/**
 * Notifies other replicas of changes that are committed. A transaction that notifies holds a lock of the whole server until
 * its commit is durable, on a standby too; so notifications have transactions of their own, which wait for nothing. The
 * first change is sent at once, those of the next milliseconds together.
 */
export function makeNotifications({ db, log }: Deps) {
  let waiting: Announced[] = [];
  let running: Promise<void> | undefined;
  // What sends belongs to no request.
  const outside = AsyncLocalStorage.snapshot();

  async function run(): Promise<void> {
    // The other changes of the same transaction.
    await turn();
    while (waiting.length > 0) {
      const changes = waiting;
      waiting = [];
      await send(changes);
      await sleep(GATHER_MS);
    }
    running = undefined;
  }

  async function send(changes: readonly Announced[]): Promise<void> {
    try {
      await db.raw(NOTIFY, [INVALIDATION_CHANNEL, payloadsOf(changes)]);
    } catch (error) {
      log.warn({ err: error, changes: changes.length }, 'failed to notify replicas; they read the log');
    }
  }

  return {
    /** Sends a change that is committed; when too many wait, it is left to the log. */
    add(change: Announced): void {
      if (waiting.length < MAX_WAITING) waiting.push(change);
      running ??= outside(run);
    },

    /** Resolves when everything added so far is sent. */
    flush: (): Promise<void> => running ?? Promise.resolve(),
  };
}
