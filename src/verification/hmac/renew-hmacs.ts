import type { Knex } from 'knex';
import type { Logger } from 'pino';

type Deps = {
  db: Knex;
  /** The id of the current HMAC key. */
  hmacKeyId: string;
  log: Pick<Logger, 'warn'>;
  /** How long renewals are gathered before they are written together. */
  gatherMs?: number;
};
type Renewal = { from: Buffer; to: Buffer };

export type RenewHash = (from: Buffer, to: Buffer) => void;

const GATHER_MS = 200;
/** Further renewals wait for the next use of their keys. */
const MAX_WAITING = 1_000;

/**
 * Rewrites HMACs of earlier keys under the current one, shortly after their use. No request waits for it; failures are
 * left for the key's next use. Skips rows that have changed or are locked.
 */
export function makeRenewHashes({ db, hmacKeyId, log, gatherMs = GATHER_MS }: Deps): RenewHash {
  const waiting = new Map<string, Renewal>();
  let running = false;

  async function flush(): Promise<void> {
    const renewals = [...waiting.values()];
    try {
      await renew(db, hmacKeyId, renewals);
    } catch (error) {
      log.warn({ err: error, keys: renewals.length }, 'failed to renew HMACs; retrying at the next use of their keys');
    }
    for (const { from } of renewals) waiting.delete(nameOf(from));
    running = false;
    if (waiting.size > 0) start();
  }

  function start(): void {
    if (running) return;
    running = true;
    setTimeout(() => void flush(), gatherMs).unref();
  }

  return (from, to) => {
    if (waiting.size >= MAX_WAITING) return;
    waiting.set(nameOf(from), { from, to });
    start();
  };
}

async function renew(db: Knex, hmacKeyId: string, renewals: readonly Renewal[]): Promise<void> {
  await db.raw(
    `with stale as (
       select k.organization_id, k.id, n.renewed
       from unnest(?::bytea[], ?::bytea[]) as n (kept, renewed) join api_keys k on k.secret_hash = n.kept
       for update of k skip locked
     )
     update api_keys k set secret_hash = stale.renewed, hash_key = ?
     from stale where k.organization_id = stale.organization_id and k.id = stale.id`,
    [renewals.map(({ from }) => from), renewals.map(({ to }) => to), hmacKeyId],
  );
}

function nameOf(hash: Buffer): string {
  return hash.toString('base64');
}
