import type { Mapping } from '../mapping.ts';
import type { FieldName } from '../presets.ts';

/** The fields of one row by their names in the mapping. */
export type RowFields = ReturnType<typeof makeRowFields>;

const MAX_TEXT = 10_000;
const TRUE = new Set(['true', 't', '1', 'yes']);
const FALSE = new Set(['false', 'f', '0', 'no']);
/** Numbers from here on are milliseconds since 1970, smaller ones seconds. */
const MILLISECONDS_FROM = 100_000_000_000;

/** A field whose value is none that it may have. */
export class UnreadableField extends Error {}

/** Reads fields of a row. Each method returns undefined for a field that is not there. */
export function makeRowFields(row: Readonly<Record<string, unknown>>, fields: Mapping['fields']) {
  function read(name: FieldName): unknown {
    for (const path of fields[name] ?? []) {
      const value = valueAt(row, path);
      if (value !== undefined && value !== null && value !== '') return value;
    }
    return undefined;
  }

  const wrong = (name: FieldName, what: string) =>
    new UnreadableField(`${fields[name]?.join(' or ') ?? name} must be ${what}`);

  return {
    value: read,

    /** Whether there is any value but false, such as a time of deletion. */
    isSet(name: FieldName): boolean {
      const value = read(name);
      return value !== undefined && !FALSE.has(wordOf(value));
    },

    /** @throws UnreadableField for what is neither a text nor a number, or too long */
    text(name: FieldName): string | undefined {
      const value = read(name);
      if (value === undefined) return undefined;
      if (typeof value !== 'string' && typeof value !== 'number') throw wrong(name, 'a text');
      const text = String(value);
      if (text.length > MAX_TEXT) throw wrong(name, `at most ${MAX_TEXT} characters long`);
      return text;
    },

    /** @throws UnreadableField */
    flag(name: FieldName): boolean | undefined {
      const value = read(name);
      if (value === undefined) return undefined;
      const word = wordOf(value);
      if (!TRUE.has(word) && !FALSE.has(word)) throw wrong(name, 'true or false');
      return TRUE.has(word);
    },

    /** @throws UnreadableField for what is no whole number */
    count(name: FieldName): number | undefined {
      const value = read(name);
      if (value === undefined) return undefined;
      const number = Number(value);
      if (!Number.isSafeInteger(number) || number < 0) throw wrong(name, 'a whole number');
      return number;
    },

    /** @throws UnreadableField for what is neither ISO 8601 nor a number of seconds or milliseconds */
    time(name: FieldName): Date | undefined {
      const value = read(name);
      if (value === undefined) return undefined;
      const at = value instanceof Date ? value : new Date(timeOf(value));
      if (Number.isNaN(at.getTime())) throw wrong(name, 'a time');
      return at;
    },
  };
}

/** A value as one lower-case word; an object is none. */
function wordOf(value: unknown): string {
  if (typeof value === 'string') return value.toLowerCase();
  return typeof value === 'number' || typeof value === 'boolean' ? String(value) : '';
}

function timeOf(value: unknown): number | string {
  const text = typeof value === 'number' || typeof value === 'string' ? String(value) : '';
  if (/^\d{9,16}$/.test(text)) return Number(text) >= MILLISECONDS_FROM ? Number(text) : Number(text) * 1_000;
  // Databases print a time without `T`, and one of UTC without a zone.
  const written = text.replace(' ', 'T').replace(/([+-]\d\d)$/, '$1:00');
  return /T.*(?:Z|[+-]\d\d:?\d\d)$/i.test(written) || !written.includes('T') ? written : `${written}Z`;
}

function valueAt(row: Readonly<Record<string, unknown>>, path: string): unknown {
  if (Object.hasOwn(row, path)) return row[path];
  let value: unknown = row;
  for (const part of path.split('.')) {
    if (typeof value !== 'object' || value === null || !Object.hasOwn(value, part)) return undefined;
    value = (value as Record<string, unknown>)[part];
  }
  return value;
}
