import { Readable } from 'node:stream';
import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { makeKeyFormat } from '../../src/api-keys/format/key-format.ts';
import { KeyRules } from '../../src/product/key-rules.ts';
import { makeFindKeys } from '../../src/scan/key-pattern.ts';
import { scanStream } from '../../src/scan/scan-stream.ts';
import type { Sighting } from '../../src/scan/scan-stream.ts';

const SECRET = 'sk_4fG7hJ9kL2mN5pQ8rS1tU3vW6xY0zA2bC4dE6fG8hJ1';
const rulesOf = (format?: object) => KeyRules.parse({ prefixes: ['sk_'], ...(format && { format }) });
const TWO = { live: 'msk_live_', test: 'msk_test_' };
const checked = rulesOf({ ...TWO, checksum: true });
const live = makeKeyFormat(checked).handOut(SECRET, 'live');
const testing = makeKeyFormat(checked).handOut(SECRET, 'test');

async function scan(rules: KeyRules, text: string | Buffer, chunkBytes = 1 << 20): Promise<Sighting[]> {
  const found: Sighting[] = [];
  const bytes = Buffer.from(text as string);
  const chunks = function* () {
    for (let i = 0; i < bytes.length; i += chunkBytes) yield bytes.subarray(i, i + chunkBytes);
  };
  await scanStream(Readable.from(chunks()), makeFindKeys(rules), (each) => void found.push(each));
  return found;
}

describe('scanStream', () => {
  test.each([
    ['alone', (key: string) => key],
    ['in quotes', (key: string) => `KEY="${key}"`],
    ['in JSON inside JSON', (key: string) => `{"text":"{\\"key\\":\\"${key}\\"}\\n${key.slice(0, 0)}"}`],
    ['right behind an escaped line feed', (key: string) => `"one\\n${key}\\ntwo"`],
    ['in an address', (key: string) => `https://api.example/v1?api_key=${key}&x=1`],
    ['with a word before and behind it', (key: string) => `prefix_${key}_suffix-and-more`],
    ['between umlauts', (key: string) => `ä${key}ö`],
  ])('finds a key %s, as certain where it has a checksum', async (_name, around) => {
    expect(await scan(checked, around(live))).toMatchObject([
      { prefix: 'msk_live_', last4: live.slice(-4), environment: 'live', sureness: 'certain' },
    ]);
  });

  test('finds no key with a character changed', async () => {
    await fc.assert(
      fc.asyncProperty(fc.nat({ max: live.length - 1 }), fc.constantFrom('a', 'B', '7', '_'), async (i, letter) => {
        fc.pre(live[i] !== letter);
        expect(await scan(checked, `x "${live.slice(0, i) + letter + live.slice(i + 1)}" y`)).toEqual([]);
      }),
    );
  });

  test('finds a key once, with line and column, however the stream is cut', async () => {
    const text = `näher ${live}\nand ${testing}, again ${live}\n\n${'é'.repeat(300)}${testing}`;
    const expected = [
      { line: 1, column: 7, environment: 'live' },
      { line: 2, column: 5, environment: 'test' },
      { line: 2, column: 5 + testing.length + 8, environment: 'live' },
      { line: 4, column: 301, environment: 'test' },
    ];
    for (let size = 1; size < 400; size += 1)
      expect(await scan(checked, text, size), `in pieces of ${size} bytes`).toMatchObject(expected);
  });

  test('finds two keys side by side', async () => {
    expect(await scan(checked, live + testing)).toHaveLength(2);
    expect(await scan(checked, `${live},${testing}`, 7)).toHaveLength(2);
  });

  test('finds a key of fixed length only at that length, and only alone without a checksum', async () => {
    const rules = rulesOf({ live: 'mxs_eval_', length: 41 });
    const key = makeKeyFormat(rules).handOut(SECRET, 'live');
    expect(await scan(rules, `a ${key} b`)).toMatchObject([{ sureness: 'likely', last4: key.slice(-4), column: 3 }]);
    for (const near of [`${key}a`, key.slice(0, -1), `a${key}`, key.replace(/.$/, '_')])
      expect(await scan(rules, near)).toEqual([]);
    const sure = rulesOf({ live: 'mxs_eval_', length: 41, checksum: true });
    const certain = makeKeyFormat(sure).handOut(SECRET, 'live');
    expect(await scan(sure, `x${certain}y`)).toMatchObject([{ sureness: 'certain' }]);
  });

  test("finds WorkOS's own format as likely, and no names that people give", async () => {
    const bare = rulesOf();
    expect(await scan(bare, `key: ${SECRET}`)).toMatchObject([
      { prefix: 'sk_', last4: SECRET.slice(-4), environment: undefined, sureness: 'likely' },
    ]);
    for (const name of [
      'sk_buff_alloc_with_frags_and_more',
      'task_4fG7hJ9kL2mN5pQ8rS1tU3',
      'sk_test_latchkey',
      'sk_...wxyz',
    ])
      expect(await scan(bare, name)).toEqual([]);
    // Only where it is good.
    expect(await scan(checked, SECRET)).toEqual([]);
    const both = rulesOf({ ...TWO, checksum: true, accept_bare: true });
    expect(await scan(both, `${SECRET} ${live}`)).toMatchObject([{ sureness: 'likely' }, { sureness: 'certain' }]);
  });

  test('finds no key of WorkOS in a mistyped key of the product', async () => {
    const rules = rulesOf({ live: 'em_sk_', checksum: true, accept_bare: true });
    const key = makeKeyFormat(rules).handOut(SECRET, 'live');
    expect(await scan(rules, `${key.slice(0, -1)}_`)).toEqual([]);
  });

  test('finds nothing in a stream with a NUL near its beginning', async () => {
    expect(await scan(checked, `\0${live}`)).toEqual([]);
    expect(await scan(checked, `${live} ${'x'.repeat(100)}\0`, 64)).toEqual([]);
  });
});
