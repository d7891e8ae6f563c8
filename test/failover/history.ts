import type { At, Key, Outcome } from './client.ts';

/** The requests and answers of a client, in milliseconds of one monotonic clock; `unknown` may have happened or not. */
export type Write =
  | { f: 'create'; key: Key | undefined; invoked: number; completed: number; outcome: Outcome }
  | { f: 'revoke'; key: Key; invoked: number; completed: number; outcome: Outcome }
  | { f: 'bill'; posture: 'active' | 'past_due'; invoked: number; completed: number; outcome: Outcome };
export type Read = { at: At; key: Key; code: string; stale: boolean | undefined; invoked: number; completed: number };
export type History = { writes: Write[]; reads: Read[] };
/** What a replica says when all is over. */
export type Final = { replica: string; codes: ReadonlyMap<string, string>; posture: unknown };

/** No answer may be older, unless it says that it is stale. */
const BOUND_MS = 3_000;

/**
 * Whether a history is one of a service that keeps its promises: no acknowledged write is lost, no revocation undone, no
 * posture gone back, and no answer staler than the bound.
 * @returns each violation, in words
 */
export function check({ writes, reads }: History, finals: readonly Final[]): string[] {
  return [
    ...finals.flatMap((final) => [...lostKeys(writes, final), ...lostPosture(writes, final)]),
    ...tooStale(writes, reads),
    ...undone(reads),
  ];
}

function lostKeys(writes: readonly Write[], { replica, codes }: Final): string[] {
  const revoked = new Set(
    writes.flatMap((write) => (write.f === 'revoke' && write.outcome === 'ok' ? [write.key.id] : [])),
  );
  const maybe = new Set(writes.flatMap((write) => (write.f === 'revoke' ? [write.key.id] : [])));
  return writes.flatMap((write) => {
    if (write.f !== 'create' || !write.key) return [];
    const { id } = write.key;
    const code = codes.get(id);
    const fits = revoked.has(id) ? code === 'revoked' : code === 'valid' || (maybe.has(id) && code === 'revoked');
    return fits
      ? []
      : [`${replica} says ${code} of ${id}, ${revoked.has(id) ? 'whose revocation' : 'which'} was acknowledged`];
  });
}

/** The last acknowledged one, or an unknown one that was asked for after that one. */
function lostPosture(writes: readonly Write[], { replica, posture }: Final): string[] {
  const bills = writes.filter((write) => write.f === 'bill');
  const last = bills.findLast(({ outcome }) => outcome === 'ok');
  if (!last) return [];
  const later = bills.filter(({ outcome, completed }) => outcome === 'unknown' && completed > last.invoked);
  return [last, ...later].some((bill) => bill.posture === posture)
    ? []
    : [`${replica} has the posture ${String(posture)}, acknowledged was ${last.posture}`];
}

function tooStale(writes: readonly Write[], reads: readonly Read[]): string[] {
  const revokedAt = new Map(
    writes.flatMap((write) =>
      write.f === 'revoke' && write.outcome === 'ok' ? [[write.key.id, write.completed] as const] : [],
    ),
  );
  return reads.flatMap(({ at, key, code, stale, invoked }) => {
    const late = invoked - (revokedAt.get(key.id) ?? Infinity);
    return code === 'valid' && stale === false && late > BOUND_MS
      ? [`${at.url} called ${key.id} valid ${late.toFixed(0)} ms after its revocation`]
      : [];
  });
}

/** A key that one replica has called revoked is valid nowhere when the bound is over. */
function undone(reads: readonly Read[]): string[] {
  const firstAt = new Map<string, number>();
  for (const { key, code, completed } of reads)
    if (code === 'revoked') firstAt.set(key.id, Math.min(completed, firstAt.get(key.id) ?? Infinity));
  return reads.flatMap(({ at, key, code, stale, invoked }) =>
    code === 'valid' && stale === false && invoked > (firstAt.get(key.id) ?? Infinity) + BOUND_MS
      ? [`${at.url} called ${key.id} valid again`]
      : [],
  );
}

/** How much later than a revocation's acknowledgement its key was still called valid, at worst. */
export function stalestMs({ writes, reads }: History): number {
  const acknowledged = writes.flatMap((write) => (write.f === 'revoke' && write.outcome === 'ok' ? [write] : []));
  const ages = acknowledged.flatMap(({ key, completed }) =>
    reads.filter((read) => read.key.id === key.id && read.code === 'valid').map(({ invoked }) => invoked - completed),
  );
  return Math.max(0, ...ages);
}
