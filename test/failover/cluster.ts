import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll } from 'vitest';
import { connectDatabase } from '../../src/db/connect.ts';
import { migrate } from '../../src/db/migrations.ts';
import { startEmulator } from '../../src/emulator/emulator.ts';
import { startChild } from '../support/child.ts';
import type { Child } from '../support/child.ts';
import { makeTestClock } from '../support/clock.ts';
import { makeOrganizations } from '../support/organizations.ts';
import { emptySeed, environment } from '../support/service.ts';
import { startPrimary, startStandby } from './postgres.ts';
import type { Postgres } from './postgres.ts';

const ROOT = new URL('../..', import.meta.url).pathname;
const START_MS = 60_000;

export type Env = Readonly<Record<string, string>>;
export type Replica = Awaited<ReturnType<Cluster['replica']>>;
export type Cluster = Awaited<ReturnType<typeof startCluster>>;

/** Runs one statement on a server. */
export async function ask(server: Pick<Postgres, 'url'>, sql: string): Promise<Record<string, unknown>[]> {
  const db = connectDatabase({ url: server.url, poolMax: 1 });
  try {
    return (await db.raw<{ rows: Record<string, unknown>[] }>(sql)).rows;
  } finally {
    await db.destroy();
  }
}

/** Lets a server that stood still be older by so much: its beats, and the leases of workers that were lost with it. */
export async function passTime(server: Pick<Postgres, 'url'>, by: '10 minutes' | '1 hour'): Promise<void> {
  await ask(server, `update invalidation_beats set at = at - interval '${by}'`);
  await ask(server, `update event_cursors set leased_until = leased_until - interval '${by}'`);
}

/** Waits until a server answers, such as one that starts again by itself. */
export async function answers(server: Pick<Postgres, 'url'>): Promise<void> {
  for (let i = 0; i < 100; i++) {
    if (
      await ask(server, 'select 1').then(
        () => true,
        () => false,
      )
    )
      return;
    await sleep(100);
  }
  throw new Error('the server does not answer');
}

/** Lets commits wait for the standby, or not. */
export async function setSynchronous(server: Pick<Postgres, 'url'>, names: string): Promise<void> {
  await ask(server, `alter system set synchronous_standby_names = '${names}'`);
  await ask(server, 'select pg_reload_conf()');
}

/** A primary with the schema, a standby that has all of it, and a local WorkOS. */
export async function startCluster({
  synchronous,
  settings = [],
}: {
  synchronous: boolean;
  settings?: readonly string[];
}) {
  const workos = await startEmulator({ port: 0, stateFile: ':memory:', seed: emptySeed });
  afterAll(() => workos.close());
  const primary = await startPrimary(settings);
  const db = connectDatabase({ url: primary.url, poolMax: 1, statementTimeoutMs: null });
  await migrate(db);
  await db.destroy();
  const standby = await startStandby(primary, 'standby');
  await isStreaming(primary);
  if (synchronous) await setSynchronous(primary, 'ANY 1 (standby)');
  const given = environment(workos);
  const startReplica = makeStartReplica();
  return {
    workos,
    primary,
    standby,
    both: `postgres://postgres@127.0.0.1:${primary.port},127.0.0.1:${standby.port}/postgres?target_session_attrs=read-write`,
    /** Lets clients in that come over a network of the test's. */
    admit: (address: string) => primary.admit(`${address.replace(/\d+$/, '0')}/24`),
    organizations: makeOrganizations({ db, workos, clock: makeTestClock() }),
    replica: (url: string, options: Options = {}) => startReplica({ ...given, DATABASE_URL: url }, options),
  };
}

type Options = {
  env?: Env;
  /** What the process is run by. */
  under?: readonly string[];
  host?: string;
  /** Where the sources are; these unless said. */
  root?: string;
};

/** Starts replicas, now or in tests, that end with the file: a hook that a test registers while it runs is not called. */
export function makeStartReplica() {
  const children: Child[] = [];
  afterAll(async () => {
    for (const child of children) child.kill('SIGKILL');
    await Promise.all(children.map(({ exited }) => exited));
  });

  return async function startReplica(given: Env, { env = {}, under = [], host, root = ROOT }: Options = {}) {
    const command = [...under, process.execPath, 'src/main.ts'];
    const [program, ...args] = command as [string, ...string[]];
    const address = host === undefined ? {} : { HOST: host };
    const child = startChild(program, args, { cwd: root, env: { ...given, PORT: '0', ...address, ...env } });
    children.push(child);
    const [, url] = await child.saw(/"url":"([^"]+)".*latchkey listens/, START_MS);
    return { url: url!, child, kill: child.kill };
  };
}

async function isStreaming(primary: Pick<Postgres, 'url'>): Promise<void> {
  for (let i = 0; i < 100; i++) {
    const [row] = await ask(primary, "select count(*) as n from pg_stat_replication where state = 'streaming'");
    if (Number(row?.['n']) > 0) return;
    await sleep(100);
  }
  throw new Error('the standby does not stream');
}
