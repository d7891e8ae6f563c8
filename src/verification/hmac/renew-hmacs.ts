import type { Knex } from 'knex';
import type { Logger } from 'pino';
import { replaceHmacs } from '../../api-keys/rows/replace-hmacs.ts';
import type { ReplacedHmac } from '../../api-keys/rows/replace-hmacs.ts';

type Deps = {
  db: Knex;
  /** The id of the current HMAC key. */
  hmacKeyId: string;
  log: Pick<Logger, 'warn'>;
  /** How long renewals are gathered before they are written together. */
  gatherMs?: number;
};

export type RenewHash = (from: Buffer, to: Buffer) => void;

const GATHER_MS = 200;
/** Further renewals wait for the next use of their keys. */
const MAX_WAITING = 1_000;

/**
 * Rewrites HMACs of earlier keys under the current one, shortly after their use. No request waits for it; failures are
 * left for the key's next use. Skips rows that have changed or are locked.
 */
export function makeRenewHashes({ db, hmacKeyId, log, gatherMs = GATHER_MS }: Deps): RenewHash {
  const waiting = new Map<string, ReplacedHmac>();
  let running = false;

  async function flush(): Promise<void> {
    const renewals = [...waiting.values()];
    try {
      await replaceHmacs(db, hmacKeyId, renewals);
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

function nameOf(hash: Buffer): string {
  return hash.toString('base64');
}
