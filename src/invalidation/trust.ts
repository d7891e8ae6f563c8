import { parsePayload } from './invalidation.ts';
import type { Invalidation } from './invalidation.ts';
import { makeInvalidationLog } from './invalidation-log.ts';
import type { Ask, InvalidationLog } from './invalidation-log.ts';
import { makeProof, PROOF_MS } from './proof.ts';

export type Trust = ReturnType<typeof makeTrust>;

/** A cache of rows of the database. */
type Memory = {
  invalidate(change: Invalidation): void;
  clear(): void;
  /** Called when the cache may be outdated. */
  doubt?(): void;
};

type Options = {
  /** Whether this is the only process on its database: every change is its own, so it needs no channel and no beat. */
  alone?: boolean;
  /** How long memory still answers, marked `stale`, once it is not trusted. */
  graceMs?: number;
  /** The monotonic clock. */
  nowMs?: () => number;
};

/**
 * Decides whether memory is trusted: while the notification channel is open and the server at its other end has
 * committed a beat lately. Without such a beat the server may be a former primary, and its answers are not trusted
 * either.
 */
export function makeTrust(memory: Memory, options: Options = {}) {
  const { alone = false, graceMs = 0, nowMs = () => performance.now() } = options;
  const { note, ...proof } = makeProof({ alone, graceMs, nowMs, onExpiry: () => memory.doubt?.() });
  const begun = Promise.withResolvers<void>();
  if (alone) begun.resolve();
  let open = alone;
  let isComplete = alone;
  let isProvenHere = alone;

  function proven(atMs: number, isBehind = false): void {
    note(atMs, isBehind);
    // The replica has begun; its loops have to catch up.
    if (isBehind) return begun.resolve();
    isProvenHere = true;
    completeMemory();
  }

  function completeMemory(): void {
    if (!open || isComplete || !isProvenHere || !proof.isProven()) return;
    // Changes that were made while the channel was lost are in the database alone.
    memory.clear();
    isComplete = true;
    begun.resolve();
  }

  const log = makeInvalidationLog({ cache: memory, proven, nowMs });
  const deadline = makeBeatDeadline(proof.isPrimary, nowMs);

  return {
    ...proof,
    /** Resolves when memory is trusted for the first time, or the mirror is known to be behind WorkOS. */
    begun: begun.promise,
    /** Whether memory is trusted, and reads may be cached. */
    isTrusted: (): boolean => open && isComplete && proof.isProven(),
    isChannelOpen: (): boolean => open,
    /** Records that a beat was committed after this moment on the monotonic clock, and whether the mirror is behind. */
    proven,
    /** Begins anew with a connection that may lead to another server. */
    begin(): void {
      log.begin();
      isProvenHere = false;
      deadline.begin();
    },
    async heartbeat(ask: Ask): Promise<void> {
      await log.heartbeat(ask);
      deadline.judge();
    },
    onOpen(): void {
      open = true;
      completeMemory();
    },
    onLost(): void {
      open = isComplete = false;
      if (graceMs === 0) memory.clear();
      memory.doubt?.();
    },
    onNotification: (payload: string | undefined): void => receive(memory, log, payload),
  };
}

function receive(memory: Memory, log: Pick<InvalidationLog, 'receive'>, payload: string | undefined): void {
  const changes = parsePayload(payload);
  if (changes) log.receive(changes);
  else memory.clear();
}

/** Gives up a connection that shows no beat: another one may lead to the primary. */
function makeBeatDeadline(isPrimary: () => boolean, nowMs: () => number) {
  let sinceMs: number | undefined;
  return {
    begin: () => void (sinceMs = undefined),
    /** @throws Error when the last beat is older than a proof lasts */
    judge(): void {
      sinceMs = isPrimary() ? undefined : (sinceMs ?? nowMs());
      if (sinceMs !== undefined && nowMs() - sinceMs >= PROOF_MS)
        throw new Error('no beat was committed for 3 seconds');
    },
  };
}
