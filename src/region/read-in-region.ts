import { within } from '../limits/within.ts';
import type { Mark, RegionProof } from './region-proof.ts';

type Read<Found> = {
  region: () => Promise<Found | undefined>;
  home: () => Promise<Found | undefined>;
  /** Whether what the region has is enough, and has not changed since. */
  isEnough: (found: Found, mark: Mark) => boolean;
};
type Deps = {
  proof: Pick<RegionProof, 'mark' | 'isRecent' | 'fail'>;
  /** Counts a read by the database that answered it. */
  count: (database: 'region' | 'home') => void;
};
/** What was found; `asOfMs` is set when the region's database has answered. */
export type Found<Value> = { value: Value | undefined; asOfMs: number | undefined };

export type ReadInRegion = ReturnType<typeof makeReadInRegion>;

/** A read at home, far away, takes no longer. */
const DEADLINE_MS = 500;

/**
 * Reads in the region's database while that is current. It answers only with what it has: what is missing there, may have
 * changed meanwhile, or would be refused is read at home.
 */
export function makeReadInRegion({ proof, count }: Deps) {
  async function tryRegion<Value>({ region, isEnough }: Omit<Read<Value>, 'home'>, mark: Mark) {
    try {
      const value = await within(DEADLINE_MS, region());
      return value !== undefined && proof.isRecent(mark) && isEnough(value, mark) ? value : undefined;
    } catch {
      proof.fail();
      return undefined;
    }
  }

  return async function readInRegion<Value>({ home, ...read }: Read<Value>): Promise<Found<Value>> {
    const mark = proof.mark();
    const value = mark && (await tryRegion(read, mark));
    count(value === undefined ? 'home' : 'region');
    return value === undefined ? { value: await home(), asOfMs: undefined } : { value, asOfMs: mark!.asOfMs };
  };
}
