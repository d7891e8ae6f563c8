import type { Found } from '../api-keys/format/key-pattern.ts';
import { BESIDE, MAX_KEY } from '../api-keys/format/key-pattern.ts';

/** A key and where it is: line from 1, column from 1 in characters. */
export type Sighting = Omit<Found, 'start' | 'end'> & { line: number; column: number };

/** As far as Git looks to tell text from other things. */
const TOLD_BY = 8_000;
const LINE_FEED = 10;

/**
 * Finds the keys in a stream of bytes, in memory for some chunks whatever its lines are like. What has a NUL near its
 * beginning is no text, and nothing is found in it.
 */
export async function scanStream(
  chunks: AsyncIterable<Uint8Array>,
  findKeys: (text: string) => Found[],
  onFound: (sighting: Sighting) => void,
): Promise<void> {
  const place = makePlace();
  // What is held back: a key may go on in the next chunk, and what stands before one says whether it is one.
  let held = '';
  let reported = 0;
  let seen = 0;

  /** Tells of keys that end before `until`, unless they were told of. */
  const tell = (text: string, until: number) => {
    for (const { start, end, ...found } of findKeys(text)) {
      if (start < reported || (start >= until && until < text.length)) continue;
      onFound({ ...found, ...place.at(text, start) });
      reported = end;
    }
  };

  for await (const chunk of chunks) {
    const bytes = Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength);
    if (seen < TOLD_BY && bytes.subarray(0, TOLD_BY - seen).includes(0)) return;
    seen += bytes.length;
    const text = held + bytes.toString('latin1');
    // A key that begins before this is in the text as a whole, with what is beside it.
    const whole = Math.max(0, text.length - MAX_KEY - 1);
    tell(text, whole === 0 ? -1 : whole);
    const drop = Math.max(0, whole - BESIDE);
    place.pass(text, drop);
    held = text.slice(drop);
    reported = Math.max(0, reported - drop);
  }
  tell(held, held.length);
}

/** Line and column in the stream of what is looked at, from its beginning on. */
function makePlace() {
  let [index, line, column] = [0, 1, 1];
  const at = (text: string, to: number) => {
    for (; index < to; index++) {
      const code = text.charCodeAt(index);
      if (code === LINE_FEED) [line, column] = [line + 1, 1];
      // A byte that goes on with a character of UTF-8 is none of its own.
      else if ((code & 0xc0) !== 0x80) column++;
    }
    return { line, column };
  };
  return {
    /** Asked in the order of the text. */
    at,
    /** What is before is not looked at any more. */
    pass(text: string, before: number): void {
      at(text, before);
      index -= before;
    },
  };
}
