import type { Knex } from 'knex';
import { markSealed, unsealedHeads } from '../chain-heads.ts';
import type { OrganizationHead } from '../chain-heads.ts';
import type { Clock } from '../../clock.ts';
import { closedLinks } from './closing.ts';
import { MAX_HEADS } from './seal.ts';
import type { Sealer } from './seal.ts';

type Position = { cursor: string | undefined; eventAt: Date | undefined };
/** The position among the seals, leased to one process at a time. */
export type SealCursor<L extends Position> = {
  take(leaseMs: number): Promise<L | undefined>;
  save(lease: L, position: Position, leaseMs: number): Promise<L | undefined>;
  release(lease: L, polledAt?: Date): Promise<void>;
};

type Deps<L extends Position> = {
  db: Knex;
  cursor: SealCursor<L>;
  sealer: Pick<Sealer, 'write'>;
  append: (line: string) => Promise<void>;
  clock: Clock;
};
type Last = { number: number; mac: string };

/** Longer than a disk or a database may take for one seal. */
const LEASE_MS = 60_000;
/** How often a quiet log is sealed again, so that an old file differs from a quiet log. */
const BEAT_MS = 60 * 60_000;

/**
 * Writes the heads that moved to a file outside the database. A seal is on the disk before the database counts it, and is
 * counted before its heads are marked: after a crash in between, they are sealed again.
 */
export function makeSealHeads<L extends Position>({ db, cursor, sealer, append, clock }: Deps<L>) {
  let own: Last = { number: 0, mac: '' };

  async function write(lease: L, heads: readonly OrganizationHead[], closed: boolean): Promise<L> {
    const last = readCursor(lease.cursor);
    if (last.number < own.number) {
      throw new Error(`the database counts ${last.number} audit seals, but this process wrote number ${own.number}`);
    }
    const at = clock();
    const { line, mac } = sealer.write({ number: last.number + 1, at, previous: last.mac, closed, heads });
    await append(line);
    const next = { number: last.number + 1, mac };
    const saved = await cursor.save(lease, { cursor: writeCursor(next), eventAt: at }, LEASE_MS);
    if (!saved) throw new Error('another process took over the audit seals');
    own = next;
    await markSealed(db, heads);
    return saved;
  }

  async function writeAll(first: L, signal: AbortSignal): Promise<L> {
    let lease = first;
    try {
      const closed = await closedLinks(db);
      let heads = await unsealedHeads(db, '', MAX_HEADS);
      if (heads.length === 0 && isBeatDue(lease, clock())) return await write(lease, [], closed);
      while (heads.length > 0 && !signal.aborted) {
        lease = await write(lease, heads, closed);
        heads = await unsealedHeads(db, heads.at(-1)!.organizationId, MAX_HEADS);
      }
      return lease;
    } catch (error) {
      // A seal that failed may be tried again at once, by any replica.
      await cursor.release(lease).catch(() => undefined);
      throw error;
    }
  }

  return async (signal: AbortSignal): Promise<void> => {
    const startedAt = clock();
    const lease = await cursor.take(LEASE_MS);
    if (!lease) return;
    const held = await writeAll(lease, signal);
    await cursor.release(held, signal.aborted ? undefined : startedAt);
  };
}

function isBeatDue({ eventAt }: Position, now: Date): boolean {
  return eventAt === undefined || now.getTime() - eventAt.getTime() >= BEAT_MS;
}

/** How many seals the database knows of, and the MAC of the last. */
export function readCursor(cursor: string | undefined): Last {
  const [number = '0', mac = ''] = (cursor ?? '').split(' ');
  return { number: Number(number) || 0, mac };
}

function writeCursor({ number, mac }: Last): string {
  return `${number} ${mac}`;
}
