import type { KeyUses, UsageMemory } from './usage-memory.ts';
import type { UsageWriter } from './usage-writer.ts';

type Deps = { memory: Pick<UsageMemory, 'take' | 'putBack'>; writer: UsageWriter };
type Batch = readonly KeyUses[];

export type FlushUsage = ReturnType<typeof makeFlushUsage>;

/** Rows of one statement, about; a key's are never parted. */
const BATCH_ROWS = 2_000;

/**
 * Writes what was gathered, batch by batch. A failure loses nothing and counts nothing twice: what was surely not
 * written goes back into memory, and a batch of which nobody knows, because its commit was not answered, is asked
 * about before anything else is written.
 */
export function makeFlushUsage({ memory, writer }: Deps) {
  /** Taken out of memory and not known to be written, first to last. */
  let held: Batch[] = [];
  let doubted: string | undefined;
  let last: Promise<void> = Promise.resolve();

  async function writeHeld(): Promise<void> {
    for (let [batch] = held; batch; [batch] = held) {
      doubted = undefined;
      await writer.write(batch, (transactionId) => {
        doubted = transactionId;
      });
      doubted = undefined;
      held = held.slice(1);
    }
  }

  async function settleDoubt(): Promise<void> {
    if (doubted === undefined) return;
    const written = await writer.wasWritten(doubted);
    if (written === undefined) throw new Error('the last batch of uses is still being written');
    if (!written) memory.putBack(held[0] ?? []);
    doubted = undefined;
    held = [];
  }

  async function run(): Promise<void> {
    await settleDoubt();
    held = batchesOf(memory.take());
    try {
      await writeHeld();
    } catch (error) {
      for (const batch of held.slice(doubted === undefined ? 0 : 1)) memory.putBack(batch);
      held = doubted === undefined ? [] : held.slice(0, 1);
      throw error;
    }
  }

  return {
    /** One after the other; each takes what is there when its turn has come. */
    flush(): Promise<void> {
      last = last.catch(() => undefined).then(run);
      return last;
    },

    /** How many uses are on their way to the database. */
    writing: (): number => held.flat().reduce((sum, { counters }) => sum + totalOf(counters), 0),
  };
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
    rows += key.counters.length;
  }
  return batches;
}

function totalOf(counters: KeyUses['counters']): number {
  return counters.reduce((sum, { count }) => sum + count, 0);
}
