import { setTimeout as sleep } from 'node:timers/promises';
import type { Knex } from 'knex';
import type { Logger } from 'pino';
import { lookAtRegion } from './region-database.ts';
import type { RegionProof } from './region-proof.ts';

type Deps = {
  region: Knex;
  proof: Pick<RegionProof, 'show' | 'isCurrent' | 'lagSeconds'>;
  log: Pick<Logger, 'warn' | 'info'>;
};

const LOOK_EVERY_MS = 500;
/** By then the first beat has come to a region that follows. */
const FIRST_PROOF_MS = 5_000;

/** Looks at the region's beats, and logs when reads begin to go home, or to the region again. */
export function followRegion({ region, proof, log }: Deps): { close(): Promise<void> } {
  const closing = new AbortController();
  const { signal } = closing;
  const judgesFromMs = performance.now() + FIRST_PROOF_MS;
  let wasCurrent: boolean | undefined;

  async function look(): Promise<unknown> {
    try {
      const beat = await lookAtRegion(region);
      proof.show(beat);
      return beat ? undefined : new Error('tables are missing from its subscription, or are still copied');
    } catch (error) {
      proof.show(undefined);
      return error;
    }
  }

  function report(err: unknown): void {
    const isCurrent = proof.isCurrent();
    if (isCurrent === wasCurrent || (!isCurrent && performance.now() < judgesFromMs)) return;
    wasCurrent = isCurrent;
    if (isCurrent) log.info('reading in the region');
    else log.warn({ err, behind_seconds: proof.lagSeconds() }, 'region database is behind or away; reading at home');
  }

  async function follow(): Promise<void> {
    while (!signal.aborted) {
      report(await look());
      await sleep(LOOK_EVERY_MS, undefined, { signal }).catch(() => undefined);
    }
  }

  const running = follow();
  return {
    async close() {
      closing.abort();
      await running;
    },
  };
}
