import { randomInt } from 'node:crypto';
import { filledDatabase, secretOf } from '../filled-database.ts';
import type { Target } from '../load.ts';
import { interleave, ratio } from '../rounds.ts';
import type { Bench, Outcome, Section } from '../section.ts';
import { count, roundsTable, times } from '../tables.ts';
import { verifyRequest, verifyTarget } from '../targets.ts';

const FEW = 1_000;

/** Measures keys that are not in memory, in a small and a large mirror. */
export const cold: Section = {
  name: 'cold',
  title: 'Verification of keys that are not in memory: a random key each time, and a cache of one key',
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
        measure: `verify a key that is not in memory, at ${count(many)} mirrored keys, compared with ${count(FEW)}`,
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
