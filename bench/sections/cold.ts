import { randomInt } from 'node:crypto';
import { ask } from '../ask.ts';
import { filledDatabase, secretOf } from '../filled-database.ts';
import type { Target } from '../load.ts';
import { interleave, ratio } from '../rounds.ts';
import type { Rounds } from '../rounds.ts';
import type { Bench, Finding, Outcome, Section } from '../section.ts';
import { startServer } from '../start-server.ts';
import { count, times } from '../tables.ts';
import { SERVICE_TOKEN } from '../tenants.ts';
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
  const { serverUrl, secret, manyKeys } = world;
  const fewUrl = await filledDatabase(lifetime, { serverUrl: serverUrl!, secret, keys: FEW });
  const few = await coldTarget(bench, fewUrl, FEW);
  const many = await coldTarget(bench, await world.manyKeysUrl(), manyKeys);
  const named = await interleave({ few, many, prepared: await preparedTarget(bench, many) }, length);
  return {
    findings: judge(named, manyKeys),
    rounds: {
      [`${count(FEW)} keys`]: named.few,
      [`${count(manyKeys)} keys`]: named.many,
      [`${count(manyKeys)} keys, \`node:http\` and one prepared read by \`pg\` a request`]: named.prepared,
    },
    raw: '',
  };
}

function judge({ few, many, prepared }: Record<'few' | 'many' | 'prepared', Rounds>, manyKeys: number): Finding[] {
  const slower = ratio(many, few, 'requestsPerSecond');
  const later = ratio(many, few, 'p99');
  const faster = ratio(many, prepared, 'requestsPerSecond');
  return [
    {
      measure: `verify a key that is not in memory, at ${count(manyKeys)} mirrored keys, compared with ${count(FEW)}`,
      mustReach: 'at least 0.8× the requests/s, p99 under 2×',
      reached: `${times(slower)}, p99 ${times(later)}`,
      ok: slower >= 0.8 && later < 2,
    },
    {
      measure: `the same at ${count(manyKeys)}, compared with \`node:http\` and one prepared read by \`pg\` a request`,
      mustReach: 'at least 1.3× the requests/s',
      reached: `${times(faster)}, p99 ${times(ratio(many, prepared, 'p99'))}`,
      ok: faster >= 1.3,
    },
  ];
}

async function coldTarget({ world, lifetime }: Bench, databaseUrl: string, keys: number): Promise<Target> {
  const env = { ...(await world.environment()), DATABASE_URL: databaseUrl, LATCHKEY_CACHE_MAX_KEYS: '1' };
  const { url } = await world.startLatchkey(lifetime, 'measured', env);
  return { ...verifyTarget(url, []), next: () => verifyRequest(secretOf(randomInt(keys))) };
}

/** The server to compare with, on the database of `target`: it receives and answers the same bytes. */
async function preparedTarget({ world, lifetime }: Bench, target: Target): Promise<Target> {
  const ANSWER = JSON.stringify(await ask(target.url, 'POST', target.path, SERVICE_TOKEN, target.next!().body));
  const env = { ANSWER, DATABASE_URL: await world.manyKeysUrl(), LATCHKEY_SECRET: world.secret };
  const { url } = await startServer(lifetime, 'bench/servers/prepared-read.ts', 'measured', env);
  return { ...target, url };
}
