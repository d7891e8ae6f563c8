import { crc32 } from 'node:zlib';
import { BASE62, CHECKSUM_LENGTH, checksumText } from './key-checksum.ts';

export type Environment = 'live' | 'test';

/** What the keys of a product look like: `api_keys` of its file. */
export type KeyForm = {
  /** How a key in WorkOS's own form begins. */
  prefixes: readonly string[];
  format?:
    | { live: string; test?: string | undefined; checksum: boolean; length?: number | undefined; accept_bare: boolean }
    | undefined;
};

/** A key found in a text. `certain`: its checksum is right; `likely`: it only looks like a key. */
export type Found = {
  /** Indices of its beginning and end in the text. */
  start: number;
  end: number;
  prefix: string;
  last4: string;
  /** Undefined where the key's format does not show it. */
  environment: Environment | undefined;
  sureness: 'certain' | 'likely';
};

type Pattern = {
  prefix: string;
  environment: Environment | undefined;
  /** Returns the end of the key whose prefix is at `start`; undefined when that is no key. */
  endOf: (text: string, start: number) => number | undefined;
  sureness: Found['sureness'];
};

/** Longer than any key with its neighbouring characters. */
export const MAX_KEY = 280;
const MIN_REST = 13;
const MIN_BARE = 16;
const MAX_BARE = 251;
const UNDERSCORE = 95;
const FIRST_DIGIT = 62 ** (CHECKSUM_LENGTH - 1);
const CRC_STEPS = crcSteps();
/** Without a checksum: a run of this length with both letters and digits is random, not a name. */
const RANDOM_RUN = /[A-Za-z0-9]{16,}/g;

/** How many characters before a match decide whether it is a key. */
export const BESIDE = 3;

const WORD = codesOf(/[\w-]/);
const LETTERS_AND_DIGITS = codesOf(/[A-Za-z0-9]/);

/** Finds keys of the configured format, and of WorkOS's own where it is accepted. Takes Latin-1: a character per byte. */
export function makeFindKeys(rules: KeyForm): (text: string) => Found[] {
  const patterns = patternsOf(rules);
  return (text) => {
    const found = patterns.flatMap((pattern) => occurrences(text, pattern));
    found.sort((a, b) => a.start - b.start || b.end - a.end);
    // `em_sk_…` contains `sk_…`, which is not a second key.
    let end = 0;
    return found.filter((each) => {
      if (each.start < end) return false;
      end = each.end;
      return true;
    });
  };
}

function patternsOf({ format, prefixes }: KeyForm): Pattern[] {
  const bare = prefixes.map((prefix): Pattern => ({
    prefix,
    environment: undefined,
    endOf: (text, start) => likelyEnd(text, start, prefix.length, { min: MIN_BARE, max: MAX_BARE }),
    sureness: 'likely',
  }));
  if (!format) return bare;
  const own: [string | undefined, Environment][] = [
    [format.live, 'live'],
    [format.test, 'test'],
  ];
  const named = own.flatMap(([prefix, environment]): Pattern[] =>
    prefix === undefined
      ? []
      : [{ prefix, environment, sureness: format.checksum ? 'certain' : 'likely', endOf: endOfKey(prefix, format) }],
  );
  return [...named, ...(format.accept_bare ? bare : [])];
}

function endOfKey(prefix: string, { checksum, length }: NonNullable<KeyForm['format']>): Pattern['endOf'] {
  if (length === undefined) {
    const size = { min: prefix.length + MIN_REST, max: MAX_KEY };
    return checksum
      ? (text, start) => checkedEnd(text, start, prefix.length, { ...size, min: size.min + CHECKSUM_LENGTH })
      : (text, start) => likelyEnd(text, start, prefix.length, size);
  }
  return (text, start) => {
    const end = start + length;
    if (runEnd(LETTERS_AND_DIGITS, text, start + prefix.length, end) < end) return undefined;
    if (checksum) return checkedEnd(text, start, prefix.length, { min: length, max: length });
    const isAlone = !isBeside(text, start) && LETTERS_AND_DIGITS[text.charCodeAt(end)] !== 1;
    return isAlone ? end : undefined;
  };
}

function occurrences(text: string, { prefix, environment, endOf, sureness }: Pattern): Found[] {
  const found: Found[] = [];
  for (let start = text.indexOf(prefix); start >= 0; start = text.indexOf(prefix, start + 1)) {
    const end = endOf(text, start);
    if (end !== undefined) found.push({ start, end, prefix, last4: text.slice(end - 4, end), environment, sureness });
  }
  return found;
}

type Size = { min: number; max: number };

/** Returns the last end at which the checksum is right, whatever the characters before and after the key. */
function checkedEnd(text: string, start: number, prefixLength: number, { min, max }: Size): number | undefined {
  const last = runEnd(WORD, text, start + prefixLength, start + max);
  let end: number | undefined;
  let at = start + min - CHECKSUM_LENGTH;
  if (at + CHECKSUM_LENGTH > last) return undefined;
  // Incremental, because a file may have the prefix in every word.
  for (let inverse = ~crc32(text.slice(start, at)); at + CHECKSUM_LENGTH <= last; at++) {
    if (isChecksum(~inverse >>> 0, text, at)) end = at + CHECKSUM_LENGTH;
    inverse = CRC_STEPS[(inverse ^ text.charCodeAt(at)) & 0xff]! ^ (inverse >>> 8);
  }
  return end;
}

function isChecksum(crc: number, text: string, at: number): boolean {
  return text.charCodeAt(at) === BASE62.charCodeAt(crc / FIRST_DIGIT) && text.startsWith(checksumText(crc), at);
}

/** Returns the CRC-32 of each single byte, by the reflected polynomial of IEEE 802.3. */
function crcSteps(): Int32Array {
  return Int32Array.from({ length: 256 }, (_, byte) => {
    let step = byte;
    for (let bit = 0; bit < 8; bit++) step = step & 1 ? (step >>> 1) ^ 0xedb88320 : step >>> 1;
    return step;
  });
}

function likelyEnd(text: string, start: number, prefixLength: number, { min, max }: Size): number | undefined {
  if (isBeside(text, start)) return undefined;
  const end = runEnd(WORD, text, start + prefixLength, start + max + 1);
  return end - start >= min && end - start <= max && isRandom(text.slice(start + prefixLength, end)) ? end : undefined;
}

function isRandom(rest: string): boolean {
  return (rest.match(RANDOM_RUN) ?? []).some((run) => /\d/.test(run) && /[A-Za-z]/.test(run));
}

/** Whether the prefix continues a word. The characters of an escape, such as `\n` or `%20`, are no word. */
function isBeside(text: string, start: number): boolean {
  const code = text.charCodeAt(start - 1);
  const isWord = start > 0 && (LETTERS_AND_DIGITS[code] === 1 || code === UNDERSCORE);
  return isWord && text[start - 2] !== '\\' && text[start - 3] !== '%';
}

function runEnd(codes: Uint8Array, text: string, from: number, most: number): number {
  let end = from;
  while (end < most && end < text.length && codes[text.charCodeAt(end)] === 1) end++;
  return end;
}

function codesOf(characters: RegExp): Uint8Array {
  return Uint8Array.from({ length: 256 }, (_, code) =>
    code < 128 && characters.test(String.fromCharCode(code)) ? 1 : 0,
  );
}
