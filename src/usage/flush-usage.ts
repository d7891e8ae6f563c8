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

/** Rows of one statement, about; a key's are never parted. */
const BATCH_ROWS = 2_000;
const TAKEN_BACK = 100;
/** Between two looks for what was set aside. */
const LOOK_MS = 60_000;

/**
 * Writes what was gathered, batch by batch. A failure loses nothing and counts nothing twice: what was surely not
 * written goes back into memory, and a batch of which nobody knows, because its commit was not answered, is asked
 * about before anything else is written. Uses that the database refuses are found key by key and become dead letters.
 */
export function makeFlushUsage({ memory, writer, items }: Deps) {
  /** Taken out of memory and not known to be written, first to last. */
  let held: Batch[] = [];
  let doubted: string | undefined;
  let last: Promise<void> = Promise.resolve();

  async function writeHeld(): Promise<void> {
    for (let [batch] = held; batch; [batch] = held) {
      doubted = undefined;
      try {
        await writer.write(batch, (transactionId) => {
          doubted = transactionId;
        });
        held = held.slice(1);
      } catch (error) {
        if (!isRefusedData(error)) throw error;
        // The database has said no: it is surely not written.
        doubted = undefined;
        held = [...(await withoutRefused(items, batch, error)), ...held.slice(1)];
      }
      doubted = undefined;
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
    /** Puts dead letters that are due back into memory; they are looked for once a while. */
    takeBack: makeTakeBack(memory, items),

    /** One after the other; each takes what is there when its turn has come. */
    flush(): Promise<void> {
      last = last.catch(() => undefined).then(run);
      return last;
    },

    /** How many uses are on their way to the database. */
    writing: (): number => held.flat().reduce((sum, { counters }) => sum + totalOf(counters), 0),
  };
}

function makeTakeBack(memory: Deps['memory'], items: Deps['items']) {
  let lookMs = performance.now() + LOOK_MS;
  return async (): Promise<void> => {
    if (performance.now() < lookMs) return;
    lookMs = performance.now() + LOOK_MS;
    for (const { id, payload } of await items.due(TAKEN_BACK)) {
      await items.forget(id);
      memory.putBack([readUses(payload)]);
    }
  };
}

/** @returns the same key by key, until it is known which one is refused */
async function withoutRefused(items: Deps['items'], batch: Batch, error: unknown): Promise<Batch[]> {
  const [first] = batch;
  if (!first || batch.length > 1) return batch.map((one) => [one]);
  const { organizationId, keyId } = first;
  const id = `${organizationId}/${keyId}/${randomUUID()}`;
  await items.bury({ id, organizationId, payload: first }, describeFailure(error));
  return [];
}

/** Written as JSON by this file alone, which has no word for what was never used. */
function readUses(payload: object): KeyUses {
  const uses = payload as Omit<KeyUses, 'usedAtMs'> & { usedAtMs: number | null };
  return { ...uses, usedAtMs: uses.usedAtMs ?? -Infinity };
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
