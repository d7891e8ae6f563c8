import { z } from 'zod';
import { coded } from './http-error.ts';

const MAX = { entries: 50, keyLength: 40, valueLength: 600 };

export const MetadataChanges = z.record(z.string(), z.string().nullable()).nullish();

/** Merges metadata entry by entry. A `null` value removes that entry; `null` as a whole removes all. */
export function mergeMetadata(
  current: Record<string, string>,
  changes: z.output<typeof MetadataChanges>,
): Record<string, string> {
  if (changes === undefined) return current;
  const merged = Object.entries({ ...(changes && current), ...changes }).filter(
    (entry): entry is [string, string] => entry[1] !== null,
  );
  const fits = merged.every(([key, value]) => key.length <= MAX.keyLength && value.length <= MAX.valueLength);
  if (!fits || merged.length > MAX.entries) {
    throw coded(400, 'invalid_metadata', 'Metadata holds at most 50 entries, keys of 40 and values of 600 characters.');
  }
  return Object.fromEntries(merged);
}
