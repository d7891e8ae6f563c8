import { randomInt } from 'node:crypto';
import { KEYS_EACH, filledDatabase, idOf, organizationsOf, secretOf } from '../filled-database.ts';
import type { Target } from '../load.ts';
import { interleave, ratio } from '../rounds.ts';
import type { Rounds } from '../rounds.ts';
import type { Bench, Outcome, Section } from '../section.ts';
import { count, times } from '../tables.ts';
import { bearerTarget, verifyRequest, verifyTarget } from '../targets.ts';
import { machineToken, tenants } from '../tenants.ts';

const AT_MOST = 1.3;
/** Each alone, so that the times are those of the statements and not of waiting. */
const ONE = 1;
/** The place of a key whose older ones are the last page but one. */
const DEEP = 60;
const WORK = {
  verify: 'verify a key that is not in memory',
  list: '`GET /v1/api-keys`, first page',
  deep: '`GET /v1/api-keys`, the 48th page',
  search: '`GET /v1/api-keys?q=…`, a search that 19 keys match',
  create: '`POST /v1/api-keys`',
} as const;
type Work = keyof typeof WORK;

/** Compares requests that read PostgreSQL, in a small and a large mirror of organizations of the same size. */
export const many: Section = {
  name: 'many',
  title: 'One request at a time beside a mirror of many keys, 1,000 in each organization',
  needsPostgres: true,
  run: runMany,
};

async function runMany(bench: Bench): Promise<Outcome> {
  const { world, lifetime, length } = bench;
  const { serverUrl, secret, manyKeys } = world;
  const fewUrl = await filledDatabase(lifetime, { serverUrl: serverUrl!, secret, keys: KEYS_EACH });
  const few = await targetsOn(bench, fewUrl, KEYS_EACH);
  const large = await targetsOn(bench, await world.manyKeysUrl(), manyKeys);
  const rounds: Record<string, Rounds> = {};
  const findings = [];
  for (const [work, name] of Object.entries(WORK) as [Work, string][]) {
    const named = await interleave({ few: few[work], many: large[work] }, length);
    const slower = ratio(named.many, named.few, 'p50');
    rounds[`${name}, ${count(KEYS_EACH)} keys`] = named.few;
    rounds[`${name}, ${count(manyKeys)} keys`] = named.many;
    findings.push({
      measure: `${name}, at ${count(manyKeys)} mirrored keys, compared with ${count(KEYS_EACH)}`,
      mustReach: `at most ${times(AT_MOST)} the p50`,
      reached: `${times(slower)}, p99 ${times(ratio(named.many, named.few, 'p99'))}`,
      ok: slower <= AT_MOST,
    });
  }
  return { findings, rounds, raw: '' };
}

async function targetsOn({ world, lifetime }: Bench, databaseUrl: string, keys: number): Promise<Record<Work, Target>> {
  const env = { ...(await world.environment()), DATABASE_URL: databaseUrl, LATCHKEY_CACHE_MAX_KEYS: '1' };
  const { url } = await world.startLatchkey(lifetime, 'measured', env);
  const workos = await world.workos();
  const organizations = organizationsOf(keys);
  const known = tenants.slice(0, organizations);
  const tokens = await Promise.all(known.map((tenant) => machineToken(workos.url, tenant)));
  const get = (query: string) => bearerTarget(url, `/v1/api-keys?limit=20${query}`, tokens);
  const create = bearerTarget(url, '/v1/api-keys', tokens);
  const body = { label: 'CI runner', permission_set: 'read_only' };
  const alone = {
    verify: { ...verifyTarget(url, []), next: () => verifyRequest(secretOf(randomInt(keys))) },
    list: get(''),
    // A cursor is a key of its own organization.
    deep: { ...bearerTarget(url, deepPath(0, organizations), tokens.slice(0, 1)) },
    search: get('&q=99'),
    create: { ...create, method: 'POST' as const, requests: create.requests.map((each) => ({ ...each, body })) },
  };
  return Object.fromEntries(
    Object.entries(alone).map(([work, target]) => [work, { ...target, connections: ONE }]),
  ) as Record<Work, Target>;
}

function deepPath(organization: number, organizations: number): string {
  return `/v1/api-keys?limit=20&after=${idOf(organization, DEEP, organizations)}`;
}
