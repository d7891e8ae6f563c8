import { parseInvalidation } from './invalidation.ts';
import type { Invalidation } from './invalidation.ts';
import { makeInvalidationLog } from './invalidation-log.ts';
import type { Ask, InvalidationLog } from './invalidation-log.ts';
import { makeProof, PROOF_MS } from './proof.ts';

export type Trust = ReturnType<typeof makeTrust>;

/** What keeps something of the database in memory. */
type Memory = {
  invalidate(change: Invalidation): void;
  clear(): void;
  /** It may not be believed any more, for now. */
  doubt?(): void;
};

type Options = {
  /** The only process on its database: what changes, changes here. It needs no beat, and its channel is open. */
  alone?: boolean;
  /** How long memory answers, marked `stale`, when it may not be believed any more. */
  graceMs?: number;
  /** The monotonic clock. */
  nowMs?: () => number;
};

/**
 * Whether memory may be believed: while the channel of changes is open, and a beat was committed lately by the server
 * at its other end. Without such a beat this may be a primary that another one has taken over from, and nothing that it
 * says is believed either.
 */
export function makeTrust(memory: Memory, options: Options = {}) {
  const { alone = false, graceMs = 0, nowMs = () => performance.now() } = options;
  const { note, ...proof } = makeProof({ alone, graceMs, nowMs, onExpiry: () => memory.doubt?.() });
  const begun = Promise.withResolvers<void>();
  if (alone) begun.resolve();
  let open = alone;
  let isComplete = alone;
  let isProvenHere = alone;

  function proven(atMs: number): void {
    note(atMs);
    isProvenHere = true;
    completeMemory();
  }

  function completeMemory(): void {
    if (!open || isComplete || !isProvenHere || !proof.isProven()) return;
    // What changed while the channel was lost is known to the database alone.
    memory.clear();
    isComplete = true;
    begun.resolve();
  }

  const log = makeInvalidationLog({ cache: memory, proven, nowMs });
  const patience = makePatience(proof.isProven, nowMs);

  return {
    ...proof,
    /** Settled when memory may be believed for the first time. */
    begun: begun.promise,
    /** Whether memory may be believed, and what is read may be kept. */
    isTrusted: (): boolean => open && isComplete && proof.isProven(),
    /** A beat was committed after this moment on the monotonic clock. */
    proven,
    /** A connection was made, which may lead to another server. */
    begin(): void {
      log.begin();
      isProvenHere = false;
      patience.begin();
    },
    async heartbeat(ask: Ask): Promise<void> {
      await log.heartbeat(ask);
      patience.judge();
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
    onNotice: (payload: string | undefined): void => hear(memory, log, payload),
  };
}

function hear(memory: Memory, log: Pick<InvalidationLog, 'noteHeard'>, payload = ''): void {
  const invalidation = parseInvalidation(payload);
  if (!invalidation) return memory.clear();
  log.noteHeard(payload);
  memory.invalidate(invalidation);
}

/** With a connection that shows no beat: another one may lead to the primary. */
function makePatience(isProven: () => boolean, nowMs: () => number) {
  let sinceMs: number | undefined;
  return {
    begin: () => void (sinceMs = undefined),
    /** @throws Error when no look has shown a beat for long */
    judge(): void {
      sinceMs = isProven() ? undefined : (sinceMs ?? nowMs());
      if (sinceMs !== undefined && nowMs() - sinceMs >= PROOF_MS) throw new Error('no beat was seen for 3 seconds');
    },
  };
}
