import { interleave, ratio } from '../rounds.ts';
import type { Rounds } from '../rounds.ts';
import type { Bench, Finding, Outcome, Section } from '../section.ts';
import { startServer } from '../start-server.ts';
import { times } from '../tables.ts';
import { bearerTarget, plainTarget } from '../targets.ts';
import type { Target } from '../load.ts';
import { tenants } from '../tenants.ts';

const NAMES = {
  session: '`GET /v1/me/session` by an API key',
  permissions: '`GET /v1/api-keys/permissions` by an API key',
  bare: 'Express 5 JSON, `GET`',
  sets: '`GET /v1/permission-sets` by an API key, which reads one row',
  read: 'Express 5 JSON, `GET`, and one prepared read by `pg`',
} as const;
type Named = Record<keyof typeof NAMES, Rounds>;

/** Compares what API keys read of Latchkey, from memory and from the database, with Express alone. */
export const keyReads: Section = {
  name: 'key-reads',
  title: 'Reads by API keys, the keys in memory',
  needsPostgres: true,
  run: runKeyReads,
};

async function runKeyReads(bench: Bench): Promise<Outcome> {
  const named = await interleave(await targets(bench), bench.length);
  const rounds = Object.fromEntries(Object.entries(named).map(([key, rounds]) => [NAMES[key as keyof Named], rounds]));
  return { findings: judge(named), rounds, raw: '' };
}

async function targets({ world, lifetime }: Bench): Promise<Record<keyof Named, Target>> {
  const { url } = await world.latchkey();
  const { keys } = await world.callers();
  const env = { ...(await world.environment()), ORGANIZATION: tenants[0]!.organizationId };
  const [bare, read] = await Promise.all([
    startServer(lifetime, 'bench/servers/bare.ts', 'measured'),
    startServer(lifetime, 'bench/servers/express-read.ts', 'measured', env),
  ]);
  return {
    session: bearerTarget(url, '/v1/me/session', keys),
    permissions: bearerTarget(url, '/v1/api-keys/permissions', keys),
    bare: plainTarget(bare.url),
    sets: bearerTarget(url, '/v1/permission-sets', keys),
    read: plainTarget(read.url),
  };
}

function judge({ session, permissions, bare, sets, read }: Named): Finding[] {
  return [
    compared(
      '`GET /v1/me/session` by an API key in memory, compared with a bare Express 5 `GET` that answers JSON',
      session,
      bare,
    ),
    compared('`GET /v1/api-keys/permissions`, compared with the same', permissions, bare),
    compared(
      '`GET /v1/permission-sets`, which reads one row, compared with an Express 5 `GET` and one prepared read by `pg`',
      sets,
      read,
    ),
  ];
}

function compared(measure: string, one: Rounds, other: Rounds): Finding {
  const reached = ratio(one, other, 'requestsPerSecond');
  return { measure, mustReach: 'at least 0.8×', reached: times(reached), ok: reached >= 0.8 };
}
