import { randomInt } from 'node:crypto';
import { filledDatabase, secretOf } from '../filled-database.ts';
import type { Target } from '../load.ts';
import { interleave, ratio } from '../rounds.ts';
import type { Bench, Outcome, Section } from '../section.ts';
import { count, roundsTable, times } from '../tables.ts';
import { verifyRequest, verifyTarget } from '../targets.ts';

const FEW = 1_000;

/** Keys that memory does not know, among few and among many. */
export const cold: Section = {
  name: 'cold',
  title: 'Verification, cold: each request another key at random, and a memory of one key',
  needsPostgres: true,
  run: runCold,
};

async function runCold(bench: Bench): Promise<Outcome> {
  const { world, lifetime, length } = bench;
  const { serverUrl, secret } = world;
  const many = world.manyKeys;
  const fewUrl = await filledDatabase(lifetime, { serverUrl: serverUrl!, secret, keys: FEW });
  const few = await coldTarget(bench, fewUrl, FEW);
  const named = await interleave({ few, many: await coldTarget(bench, await world.manyKeysUrl(), many) }, length);
  const slower = ratio(named.many, named.few, 'requestsPerSecond');
  const later = ratio(named.many, named.few, 'p99');
  return {
    findings: [
      {
        measure: `verify at ${count(many)} mirrored keys, cold, to ${count(FEW)} keys`,
        mustReach: 'at least 0.8× the requests/s, p99 under 2×',
        reached: `${times(slower)}, p99 ${times(later)}`,
        ok: slower >= 0.8 && later < 2,
      },
    ],
    raw: roundsTable({ [`${count(FEW)} keys`]: named.few, [`${count(many)} keys`]: named.many }),
  };
}

async function coldTarget({ world, lifetime }: Bench, databaseUrl: string, keys: number): Promise<Target> {
  const env = { ...(await world.environment()), DATABASE_URL: databaseUrl, LATCHKEY_CACHE_MAX_KEYS: '1' };
  const { url } = await world.startLatchkey(lifetime, 'measured', env);
  return { ...verifyTarget(url, []), next: () => verifyRequest(secretOf(randomInt(keys))) };
}
