import { describe, expect, test } from 'vitest';
import { gatherReads } from '../../src/verification/gather-reads.ts';
import type { MirrorRead } from '../../src/verification/mirror-record.ts';

const hash = (name: string) => Buffer.from(name);
const readOf = (name: string) => ({ hash: hash(name), hmacKeyId: name, record: {} }) as unknown as MirrorRead;

/** A database whose answers a test gives, and how often it was asked for what. */
function start() {
  let nowMs = 0;
  const queries: { names: string[]; answer: (names: string[]) => void; fail: () => void }[] = [];
  const read = gatherReads(
    (hashes) =>
      new Promise((resolve, reject) => {
        queries.push({
          names: hashes.map(String),
          answer: (names) => resolve(names.map(readOf)),
          fail: () => reject(new Error('no database')),
        });
      }),
    { nowMs: () => nowMs },
  );
  const ask = (...names: string[]) => read(names.map(hash)).then((found) => found?.hmacKeyId);
  return { ask, queries, pass: (milliseconds: number) => void (nowMs += milliseconds) };
}

const tick = () => new Promise((resolve) => setImmediate(resolve));

describe('gatherReads', () => {
  test('runs a query as part of the first traced request that it is for', async () => {
    let place: string | undefined;
    const queried: (string | undefined)[] = [];
    const read = gatherReads(
      () => {
        queried.push(place);
        return Promise.resolve([]);
      },
      {
        keepRequest() {
          const mine = place;
          if (mine === undefined) return undefined;
          return (work) => {
            place = mine;
            const result = work();
            place = undefined;
            return result;
          };
        },
      },
    );
    const reads = [undefined, 'traced', 'later'].map((name) => {
      place = name;
      return read([hash('a')]);
    });
    place = undefined;
    await Promise.all(reads);
    expect(queried).toEqual(['traced']);
  });

  test('combines the reads of one turn into one query', async () => {
    const { ask, queries } = start();
    const answers = Promise.all([ask('a', 'old a'), ask('b', 'old b'), ask('c', 'old c')]);
    await tick();
    expect(queries.map(({ names }) => names)).toEqual([['a', 'old a', 'b', 'old b', 'c', 'old c']]);
    queries[0]!.answer(['old b', 'a', 'old a']);
    expect(await answers).toEqual(['a', 'old b', undefined]);
  });

  test('runs four queries at a time, and combines the reads that come meanwhile', async () => {
    const { ask, queries } = start();
    for (const name of ['a', 'b', 'c', 'd']) {
      void ask(name);
      await tick();
    }
    const late = Promise.all(Array.from({ length: 150 }, (_, i) => ask(`late ${i}`)));
    await tick();
    expect(queries.map(({ names }) => names.length)).toEqual([1, 1, 1, 1]);
    queries[2]!.answer([]);
    await tick();
    expect(queries.map(({ names }) => names.length)).toEqual([1, 1, 1, 1, 150]);
    queries[4]!.answer(['late 149']);
    expect((await late).filter((found) => found !== undefined)).toEqual(['late 149']);
  });

  test('reads at most 200 keys a query', async () => {
    const { ask, queries } = start();
    for (let i = 0; i < 450; i++) void ask(`${i}`);
    await tick();
    expect(queries.map(({ names }) => names.length)).toEqual([200, 200, 50]);
  });

  test('rejects the reads of a failed query, and queries again for the next one', async () => {
    const { ask, queries } = start();
    const failed = [ask('a'), ask('b')].map((answer) => expect(answer).rejects.toThrow('no database'));
    await tick();
    queries[0]!.fail();
    await Promise.all(failed);
    const again = ask('a');
    await tick();
    queries[1]!.answer(['a']);
    expect(await again).toBe('a');
  });

  test('rejects a read after three seconds without delaying others', async () => {
    const { ask, queries, pass } = start();
    for (const name of ['a', 'b', 'c', 'd']) {
      void ask(name);
      await tick();
    }
    const late = ask('late').catch((error: unknown) => error);
    pass(3_001);
    const young = ask('young');
    queries[0]!.answer([]);
    expect(await late).toMatchObject({ code: 'database_unavailable', retryAfterSeconds: 2 });
    await tick();
    expect(queries[4]!.names).toEqual(['young']);
    queries[4]!.answer(['young']);
    expect(await young).toBe('young');
  });
});
