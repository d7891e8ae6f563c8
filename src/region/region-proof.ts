import type { Invalidation } from '../invalidation/invalidation.ts';
import type { Ask } from '../invalidation/invalidation-log.ts';
import { PROOF_MS } from '../invalidation/proof.ts';
import { makeRecentChanges } from '../invalidation/recent-changes.ts';

/** The latest beat of a database; `at` is in microseconds by the clock of the server at home, which wrote it. */
export type Beat = { number: number; at: number };
/** What the region had before a read: everything that was committed at home before `asOfMs` on the monotonic clock. */
export type Mark = { asOfMs: number; change: number };
/** A look at home, which began at `fromMs`, after change number `change` was received. */
type Look = Beat & { clock: number; fromMs: number; change: number };

export type RegionProof = ReturnType<typeof makeRegionProof>;

/** Looks at home come twice a second; the region may be this many behind, and no read is longer under way. */
const MAX_LOOKS = 20;
/** How long a database that failed a read is left alone. */
const REST_MS = 1_000;

const LATEST_BEAT = `
  select number::float8 as number, (extract(epoch from at) * 1000000)::float8 as at,
    (extract(epoch from clock_timestamp()) * 1000000)::float8 as clock
  from invalidation_beats`;

/**
 * Judges what the region's database has. A beat that was committed at home after a look there has begun, and that the
 * region shows, proves that the region has everything from before that look: both are replayed in the order of their
 * commits. The clock of one server alone, that at home, says which came first; the number says that the look did not
 * see the beat. A beat that home does not have, such as one that a failover has lost, proves nothing.
 */
export function makeRegionProof({ nowMs = () => performance.now() }: { nowMs?: () => number } = {}) {
  const changes = makeRecentChanges();
  const startMs = nowMs();
  let looks: Look[] = [];
  let shown: Beat | undefined;
  let proof: Mark | undefined;
  let restUntilMs = -Infinity;

  function judge(): void {
    const beat = shown;
    if (!beat || !looks.some(({ number, at }) => number === beat.number && at === beat.at)) return;
    const before = looks.findLast(({ number, clock }) => number < beat.number && clock < beat.at);
    if (before && before.fromMs > (proof?.asOfMs ?? -Infinity))
      proof = { asOfMs: before.fromMs, change: before.change };
  }

  const isRecent = ({ asOfMs }: Mark): boolean => nowMs() - asOfMs < PROOF_MS;
  const isCurrent = (): boolean => shown !== undefined && proof !== undefined && isRecent(proof);

  return {
    /** Records a change that this process made or received; a read in the region may not have it yet. */
    invalidate: (change: Invalidation): void => changes.note(change),

    /** Records that anything may have changed. */
    clear: (): void => changes.note(undefined),

    /** Forgets the looks at another server, whose clock says nothing about the next one's. */
    begin: (): void => void (looks = []),

    async lookHome(ask: Ask): Promise<void> {
      const [fromMs, change] = [nowMs(), changes.now()];
      const [beat] = (await ask(LATEST_BEAT, [])) as (Beat & { clock: number })[];
      if (beat) looks = [...looks.slice(1 - MAX_LOOKS), { ...beat, fromMs, change }];
      judge();
    },

    /** Records the beat that the region shows; undefined when it does not answer, or lacks tables. */
    show(beat: Beat | undefined): void {
      shown = beat;
      judge();
    },

    /** Records that a read failed. */
    fail: (): void => void (restUntilMs = nowMs() + REST_MS),

    /** Whether the region is less than 3 seconds behind. */
    isCurrent,

    /** Returns what to compare a read with; undefined while the region is not to be read. */
    mark: (): Mark | undefined => (isCurrent() && nowMs() >= restUntilMs ? proof : undefined),

    isRecent,

    /** Whether something that `concerns` this read has changed since the region is known to have everything. */
    hasChanged: ({ change }: Mark, concerns: (change: Invalidation) => boolean): boolean =>
      changes.since(change, concerns),

    /** How far the region may be behind. */
    lagSeconds: (): number => (nowMs() - (proof?.asOfMs ?? startMs)) / 1_000,
  };
}
