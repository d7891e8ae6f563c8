import { copyFileSync, readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import { ask } from '../failover/cluster.ts';
import { startPrimary } from '../failover/postgres.ts';
import { freePort } from '../process/start.ts';
import { startChild } from '../support/child.ts';
import { compose, servicesOf } from './compose.ts';
import { DEPLOY, fileFolder, runTool, tryTool } from './tools.ts';

const ONE = ['deploy/compose.yaml'];
const HA = [...ONE, 'deploy/compose.ha.yaml'];
const DEMO = [...ONE, 'deploy/demo/compose.yaml'];
const SECRETS = {
  POSTGRES_PASSWORD: 'owner',
  LATCHKEY_DATABASE_PASSWORD: 'service',
  LATCHKEY_SECRET: 'a secret of tests, long enough to be one',
  LATCHKEY_SERVICE_TOKENS: 'svc_tests',
  WORKOS_API_KEY: 'sk_test',
  WORKOS_CLIENT_ID: 'client_test',
  WORKOS_COOKIE_PASSWORD: 'a password of tests, long enough to be one',
};
const WAIT_MS = 60_000;
const OURS = new Set(['api', 'api-b', 'migrate', 'workos']);

const folder = fileFolder();
const primary = await startPrimary();
const demoNames = readFileSync(join(DEPLOY, 'demo', 'demo.env'), 'utf8').matchAll(/^([A-Z_]+)=/gm);

test.each(Object.keys(SECRETS))('compose.yaml without %s is refused by that name', (name) => {
  const { [name as keyof typeof SECRETS]: _, ...others } = SECRETS;
  const { status, stderr } = compose(ONE, others);
  expect(status).not.toBe(0);
  expect(stderr).toContain(name);
});

test('compose.ha.yaml without the password of replication is refused by that name', () => {
  const { status, stderr } = compose(HA, SECRETS);
  expect(status).not.toBe(0);
  expect(stderr).toContain('LATCHKEY_REPLICATION_PASSWORD');
});

describe.each([
  { files: ONE, env: SECRETS, names: ['api', 'migrate', 'postgres', 'redis'] },
  {
    files: HA,
    env: { ...SECRETS, LATCHKEY_REPLICATION_PASSWORD: 'replication' },
    names: [
      'api',
      'api-b',
      'haproxy',
      'migrate',
      'postgres',
      'postgres-b',
      'redis',
      'redis-b',
      'sentinel-a',
      'sentinel-b',
      'sentinel-c',
    ],
  },
  { files: DEMO, env: SECRETS, names: ['api', 'migrate', 'postgres', 'redis', 'workos'] },
])('$files', ({ files, env, names }) => {
  const services = servicesOf(files, env);
  const ours = Object.entries(services).filter(([name]) => OURS.has(name));

  test('has its services', () => {
    expect(Object.keys(services).toSorted()).toEqual(names);
  });

  test('runs Latchkey read-only, without capabilities and without new privileges', () => {
    expect(ours.length).toBeGreaterThan(1);
    for (const [, service] of ours)
      expect(service).toMatchObject({ read_only: true, cap_drop: ['ALL'], security_opt: ['no-new-privileges:true'] });
  });

  test('starts replicas after the migrations, and gives them the role that owns no table', () => {
    const replicas = ours.filter(([name]) => name.startsWith('api'));
    expect(replicas.length).toBeGreaterThan(0);
    for (const [, { depends_on, environment }] of replicas) {
      expect(depends_on?.['migrate']).toEqual({ condition: 'service_completed_successfully' });
      expect(environment?.['DATABASE_URL']).toMatch(/^postgres:\/\/latchkey_service:service@postgres:5432/);
    }
    expect(services['migrate']?.environment?.['DATABASE_URL']).toBe('postgres://latchkey:owner@postgres:5432/latchkey');
  });
});

test('the replicas of compose.ha.yaml have the same variables', () => {
  const services = servicesOf(HA, { ...SECRETS, LATCHKEY_REPLICATION_PASSWORD: 'replication' });
  expect(services['api-b']!.environment).toEqual(services['api']!.environment);
});

test('demo.env has exactly the variables that compose.yaml demands, and the address of the local WorkOS', () => {
  const names = Array.from(demoNames, ([, name]) => name!);
  expect(names.toSorted()).toEqual([...Object.keys(SECRETS), 'WORKOS_AUTHKIT_URL'].toSorted());
});

test('haproxy/latchkey.cfg is valid', () => {
  const checked = tryTool('haproxy', ['-c', '-f', join(DEPLOY, 'haproxy', 'latchkey.cfg')]);
  expect(checked).toMatchObject({ status: 0, stderr: '' });
});

test('the scripts of PostgreSQL make a standby that commits wait for, and promote it with every commit', async () => {
  runTool('chown', ['postgres', folder]);
  const [row] = await ask(primary, 'show data_directory');
  const password = { LATCHKEY_REPLICATION_PASSWORD: "a 'quoted' one" };
  const names = { PGHOST: '127.0.0.1', POSTGRES_USER: 'postgres', POSTGRES_DB: 'postgres', STANDBY: 'postgres_b' };
  runTool('sh', [script('allow-replication.sh')], {
    env: { ...names, ...password, PGDATA: String(row!['data_directory']), PGPORT: `${primary.port}` },
  });
  const standby = await startStandby();
  await ask(primary, 'select pg_reload_conf()');
  const states = async () =>
    (await ask(primary, 'select application_name, sync_state from pg_stat_replication')).concat(standby.errors());
  await expect.poll(states, { timeout: WAIT_MS }).toEqual([{ application_name: 'postgres_b', sync_state: 'quorum' }]);
  await ask(primary, 'create table acknowledged as select 1 as n');
  primary.kill();
  runTool('sh', [script('promote.sh')], { env: { ...names, PGPORT: `${standby.port}` } });
  await expect
    .poll(async () => ask(standby, 'select pg_is_in_recovery() as is'), { timeout: WAIT_MS })
    .toEqual([{ is: false }]);
  await ask(standby, 'insert into acknowledged values (2)');
  expect(await ask(standby, 'select n from acknowledged order by n')).toEqual([{ n: 1 }, { n: 2 }]);
}, 180_000);

function script(name: string): string {
  return join(DEPLOY, 'postgres', name);
}

/** Runs the script of the standby as its container does, which is not as root. */
async function startStandby() {
  const port = await freePort();
  // Where this clone is, another user may read nothing.
  const copy = join(folder, 'start-standby.sh');
  copyFileSync(script('start-standby.sh'), copy);
  const [newest] = readdirSync('/usr/lib/postgresql').toSorted((a, b) => Number(b) - Number(a));
  const as = ['--reuid=postgres', '--regid=postgres', '--clear-groups'];
  const settings = [
    '-c',
    'listen_addresses=127.0.0.1',
    '-c',
    'fsync=off',
    '-c',
    'max_connections=200',
    '-p',
    `${port}`,
    '-k',
    folder,
  ];
  const child = startChild('setpriv', [...as, 'sh', copy, ...settings], {
    env: {
      PATH: `/usr/lib/postgresql/${newest}/bin:${process.env['PATH']}`,
      PGDATA: join(folder, 'data'),
      PGPASSWORD: "a 'quoted' one",
      PRIMARY: '127.0.0.1',
      PRIMARY_PORT: `${primary.port}`,
      STANDBY: 'postgres_b',
    },
  });
  onTestFinished(async () => {
    child.kill('SIGQUIT');
    await child.exited;
  });
  return {
    port,
    errors: () => [...child.stderr().matchAll(/^.*(?:FATAL|error):.*$/gm)].map(([line]) => ({ line })),
    url: `postgres://postgres@127.0.0.1:${port}/postgres`,
  };
}
