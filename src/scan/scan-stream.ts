import type { Found } from './key-pattern.ts';
import { BESIDE, MAX_KEY } from './key-pattern.ts';

/** A key and its position: line and column from 1, the column in characters. */
export type Sighting = Omit<Found, 'start' | 'end'> & { line: number; column: number };

export type Finding = Sighting & { path: string };

/** A NUL in so many bytes at the beginning means that it is no text, as Git decides it. */
const SNIFFED_BYTES = 8_000;
const LINE_FEED = 10;

/**
 * Finds the keys in a stream of bytes, in the memory of a few chunks however long its lines are. Finds nothing in a stream
 * that is no text.
 */
export async function scanStream(
  chunks: AsyncIterable<Uint8Array>,
  findKeys: (text: string) => Found[],
  onFound: (sighting: Sighting, key: string) => void,
): Promise<void> {
  const position = makePosition();
  // Carried over to the next chunk: the beginning of a key, and the characters before it.
  let held = '';
  let reported = 0;
  let seen = 0;

  /** Reports the keys that begin before `until`, each once. */
  const report = (text: string, until: number) => {
    for (const { start, end, ...found } of findKeys(text)) {
      if (start < reported || (start >= until && until < text.length)) continue;
      onFound({ ...found, ...position.at(text, start) }, text.slice(start, end));
      reported = end;
    }
  };

  for await (const chunk of chunks) {
    const bytes = Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength);
    if (seen < SNIFFED_BYTES && bytes.subarray(0, SNIFFED_BYTES - seen).includes(0)) return;
    seen += bytes.length;
    const text = held + bytes.toString('latin1');
    // A key that begins before this index is complete in the text, with its neighbouring characters.
    const whole = Math.max(0, text.length - MAX_KEY - 1);
    report(text, whole === 0 ? -1 : whole);
    const drop = Math.max(0, whole - BESIDE);
    position.pass(text, drop);
    held = text.slice(drop);
    reported = Math.max(0, reported - drop);
  }
  report(held, held.length);
}

/** Counts lines and columns from the beginning of the stream. */
function makePosition() {
  let [index, line, column] = [0, 1, 1];
  const at = (text: string, to: number) => {
    for (; index < to; index++) {
      const code = text.charCodeAt(index);
      if (code === LINE_FEED) [line, column] = [line + 1, 1];
      // A continuation byte of UTF-8 is no character of its own.
      else if ((code & 0xc0) !== 0x80) column++;
    }
    return { line, column };
  };
  return {
    /** Must be called in the order of the text. */
    at,
    /** Drops the text before this index. */
    pass(text: string, before: number): void {
      at(text, before);
      index -= before;
    },
  };
}
