import { randomUUID } from 'node:crypto';
import { describeFailure, isRefusedData } from '../background/describe-failure.ts';
import type { Items } from '../background/items.ts';
import type { KeyUses, UsageMemory } from './usage-memory.ts';
import type { UsageWriter } from './usage-writer.ts';

type Deps = {
  memory: Pick<UsageMemory, 'take' | 'putBack'>;
  writer: UsageWriter;
  items: Pick<Items, 'bury' | 'due' | 'forget'>;
};
type Batch = readonly KeyUses[];

export type FlushUsage = ReturnType<typeof makeFlushUsage>;

/** The approximate number of rows in a statement; those of one key stay together. */
const BATCH_ROWS = 2_000;
const RETRIED_AT_ONCE = 100;
/** How often dead letters are looked for. */
const RETRY_INTERVAL_MS = 60_000;

/**
 * Writes gathered uses batch by batch. A failure loses none and counts none twice: unwritten batches go back into memory,
 * and the outcome of an unanswered commit is read before anything else is written. Uses that the database refuses are
 * found key by key, and become dead letters.
 */
export function makeFlushUsage({ memory, writer, items }: Deps) {
  /** Batches out of memory that are not known to be written, first to last. */
  let held: Batch[] = [];
  let unanswered: string | undefined;
  let last: Promise<void> = Promise.resolve();

  async function writeHeld(): Promise<void> {
    for (let [batch] = held; batch; [batch] = held) {
      unanswered = undefined;
      try {
        await writer.write(batch, (transactionId) => {
          unanswered = transactionId;
        });
        held = held.slice(1);
      } catch (error) {
        if (!isRefusedData(error)) throw error;
        // The database has refused the batch, so it is not written.
        unanswered = undefined;
        held = [...(await withoutRefused(items, batch, error)), ...held.slice(1)];
      }
      unanswered = undefined;
    }
  }

  async function settleUnanswered(): Promise<void> {
    if (unanswered === undefined) return;
    const written = await writer.wasWritten(unanswered);
    if (written === undefined) throw new Error('the last batch of uses is still being written');
    if (!written) memory.putBack(held[0] ?? []);
    unanswered = undefined;
    held = [];
  }

  async function run(): Promise<void> {
    await settleUnanswered();
    held = batchesOf(memory.take());
    try {
      await writeHeld();
    } catch (error) {
      for (const batch of held.slice(unanswered === undefined ? 0 : 1)) memory.putBack(batch);
      held = unanswered === undefined ? [] : held.slice(0, 1);
      throw error;
    }
  }

  return {
    /** Puts due dead letters back into memory. */
    takeBack: makeTakeBack(memory, items),

    /** Writes what is in memory, after any flush that is running. */
    flush(): Promise<void> {
      last = last.catch(() => undefined).then(run);
      return last;
    },

    /** The number of uses on their way to the database. */
    writing: (): number => held.flat().reduce((sum, { counters }) => sum + totalOf(counters), 0),
  };
}

function makeTakeBack(memory: Deps['memory'], items: Deps['items']) {
  let retryAtMs = performance.now() + RETRY_INTERVAL_MS;
  return async (): Promise<void> => {
    if (performance.now() < retryAtMs) return;
    retryAtMs = performance.now() + RETRY_INTERVAL_MS;
    for (const { id, payload } of await items.due(RETRIED_AT_ONCE)) {
      await items.forget(id);
      memory.putBack([readUses(payload)]);
    }
  };
}

/** Splits a refused batch into keys, and buries a key that is refused alone. */
async function withoutRefused(items: Deps['items'], batch: Batch, error: unknown): Promise<Batch[]> {
  const [first] = batch;
  if (!first || batch.length > 1) return batch.map((one) => [one]);
  const { organizationId, keyId } = first;
  const id = `${organizationId}/${keyId}/${randomUUID()}`;
  const payload = { ...first, scopes: [...(first.scopes ?? [])] };
  await items.bury({ id, organizationId, payload }, describeFailure(error));
  return [];
}

type Buried = Omit<KeyUses, 'usedAtMs' | 'scopes'> & { usedAtMs: number | null; scopes?: [string, number][] };

/** Reads JSON that this file has written, in which -Infinity has become null. Earlier releases wrote no scopes. */
function readUses(payload: object): KeyUses {
  const uses = payload as Buried;
  return { ...uses, usedAtMs: uses.usedAtMs ?? -Infinity, scopes: uses.scopes && new Map(uses.scopes) };
}

function batchesOf(keys: Batch): Batch[] {
  const batches: KeyUses[][] = [];
  let rows = BATCH_ROWS;
  for (const key of keys) {
    if (rows >= BATCH_ROWS) {
      batches.push([]);
      rows = 0;
    }
    batches.at(-1)!.push(key);
    rows += key.counters.length + (key.scopes?.size ?? 0);
  }
  return batches;
}

function totalOf(counters: KeyUses['counters']): number {
  return counters.reduce((sum, { count }) => sum + count, 0);
}
