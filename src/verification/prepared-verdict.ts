import { postureAt } from './judge.ts';
import type { MirrorRecord } from './mirror-record.ts';
import type { Resolved } from './resolve-key.ts';
import { viewOfKey } from './verdict-view.ts';

// Goes with the record, which is replaced whenever the key changes.
const prepared = new WeakMap<MirrorRecord, string>();

/** `viewOfVerdict` of a valid key as JSON, with the part that does not change made once. */
export function preparedVerdict({ record, source, staleMs }: Resolved, now: Date): string {
  let known = prepared.get(record);
  if (known === undefined) {
    known = JSON.stringify({ valid: true, code: 'valid', ...viewOfKey(record) }).slice(0, -1);
    prepared.set(record, known);
  }
  const posture = postureAt(record, now);
  return `${known},"billing":{"posture":"${posture}"},"checked_at":"${now.toISOString()}","source":"${source}","stale_ms":${staleMs}}`;
}
