import { join } from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import { ask } from '../../failover/cluster.ts';
import { startPrimary } from '../../failover/postgres.ts';
import { freePort, runEntry } from '../../process/start.ts';
import { startChild } from '../../support/child.ts';
import { fileFolder, ROOT, runTool } from '../tools.ts';
import { environmentOf, podOf } from './chart.ts';
import type { Container, Probe } from './chart.ts';
import { buildRenderer, writeValues } from './render.ts';

// No cluster is within reach of CI. What a cluster would run (arguments, variables, probes) runs here as processes of this
// machine, against a real PostgreSQL: only addresses and the product file's path are others.

const START_MS = 30_000;
const SECRET = {
  LATCHKEY_SECRET: 'a secret of tests, long enough to be one',
  WORKOS_API_KEY: 'sk_test',
  WORKOS_CLIENT_ID: 'client_test',
  WORKOS_COOKIE_PASSWORD: 'a password of tests, long enough to be one',
};

const folder = fileFolder();
const { render } = buildRenderer(folder);
const { manifests } = render([
  writeValues(folder, {
    product: { existingConfigMap: 'product' },
    shutdown: { delaySeconds: 2 },
    monitoring: { serviceMonitor: { enabled: true } },
  }),
]);
const find = (kind: string, suffix = '') =>
  manifests.find((manifest) => manifest.kind === kind && manifest.metadata.name.endsWith(suffix))!;
const containerOf = (kind: string, suffix: string) => podOf(find(kind, suffix)).containers[0];

const primary = await startPrimary();
const addressOf = (user: string) => `postgres://${user}@127.0.0.1:${primary.port}/latchkey`;

/** Starts what a Deployment starts, without the entry of the image, which is Node with the same file. */
async function startContainer({ args, env }: Container) {
  const ports = { http: await freePort(), operations: await freePort() };
  const child = startChild(process.execPath, ['src/cli/main.ts', ...args], {
    cwd: ROOT,
    env: {
      ...environmentOf({ env } as Container),
      ...SECRET,
      DATABASE_URL: addressOf('latchkey_service'),
      WORKOS_API_URL: `http://127.0.0.1:${await freePort()}`,
      LATCHKEY_CONFIG: 'config/evershell.yaml',
      PORT: `${ports.http}`,
      LATCHKEY_OPERATIONS_PORT: `${ports.operations}`,
    },
  });
  onTestFinished(() => child.kill('SIGKILL'));
  const get = async (port: string, path: string) =>
    fetch(`http://127.0.0.1:${ports[port as keyof typeof ports]}${path}`).then(
      async (answer) => ({ status: answer.status, text: await answer.text() }),
      () => ({ status: 0, text: '' }),
    );
  return { child, get, probe: async ({ httpGet }: Probe) => (await get(httpGet.port, httpGet.path)).status };
}

test('the job migrates as the owner, with the one variable that it has', async () => {
  await ask(primary, 'create database latchkey');
  const { args, env } = containerOf('Job', '-migrate');
  expect(env).toEqual([
    { name: 'DATABASE_URL', valueFrom: { secretKeyRef: { name: 'latchkey-migrate', key: 'DATABASE_URL' } } },
  ]);
  const ran = await runEntry('cli/main', { DATABASE_URL: addressOf('postgres') }, args);
  expect(ran).toMatchObject({ code: 0, stderr: '' });
  expect(ran.stdout).toMatch(/^ran /);
  await ask(primary, 'create role latchkey_service login in role latchkey_app');
});

test('the job trusts the certificate authority of certificates.existingConfigMap, and no database without it', async () => {
  const [data] = await ask(primary, 'show data_directory');
  const [key, certificate] = ['server.key', 'server.crt'].map((name) => join(String(data!['data_directory']), name));
  const subject = ['-subj', '/CN=127.0.0.1', '-addext', 'subjectAltName=IP:127.0.0.1'];
  runTool('openssl', [
    'req',
    '-x509',
    '-newkey',
    'rsa:2048',
    '-nodes',
    ...subject,
    '-keyout',
    key!,
    '-out',
    certificate!,
  ]);
  runTool('chown', ['postgres', key!, certificate!]);
  await ask(primary, 'alter system set ssl = on');
  await ask(primary, 'select pg_reload_conf()');
  const trusting = render([
    writeValues(folder, { product: { existingConfigMap: 'x' }, certificates: { existingConfigMap: 'authorities' } }),
  ]).manifests.find(({ kind }) => kind === 'Job')!;
  const [{ args, env, volumeMounts }] = podOf(trusting).containers;
  const { NODE_EXTRA_CA_CERTS: trusted } = environmentOf({ env } as Container);
  const { mountPath } = volumeMounts![0]!;
  const { configMap } = podOf(trusting).volumes![0]!;
  expect(trusted).toBe(`${mountPath}/${configMap!.items[0]!.path}`);
  const DATABASE_URL = `${addressOf('postgres')}?sslmode=verify-full`;
  expect(await runEntry('cli/main', { DATABASE_URL, NODE_EXTRA_CA_CERTS: certificate! }, args)).toMatchObject({
    code: 0,
    stdout: 'The database is up to date.\n',
  });
  const { code, stderr } = await runEntry('cli/main', { DATABASE_URL }, args);
  expect(code).toBe(1);
  expect(stderr).toContain('self-signed certificate');
});

describe.each(['api', 'worker'])('the container of the role %s', (role) => {
  const container = containerOf('Deployment', `-${role}`);

  test('answers its probes and the scrape, is not ready while it stops, and stops in time', async () => {
    const { child, get, probe } = await startContainer(container);
    await child.saw(/latchkey listens/, START_MS);
    expect(await probe(container.startupProbe!)).toBe(200);
    expect(await probe(container.livenessProbe!)).toBe(200);
    await expect.poll(() => probe(container.readinessProbe!), { timeout: START_MS }).toBe(200);
    const [{ port, path }] = find('ServiceMonitor').spec['endpoints'] as [{ port: string; path: string }];
    expect((await get(port, path)).text).toMatch(new RegExp(`^latchkey_build_info\\{.*role="${role}"\\} 1$`, 'm'));
    expect((await get('http', path)).status).toBe(404);
    child.kill('SIGTERM');
    await expect.poll(() => probe(container.readinessProbe!)).toBe(503);
    expect(await probe(container.livenessProbe!)).toBe(200);
    expect(await child.exited).toEqual({ code: 0, signal: null });
  });

  test('without its Secret names every variable that is missing, at once', async () => {
    const { code, stderr } = await runEntry('cli/main', environmentOf(container), container.args);
    expect(code).toBe(1);
    expect(stderr.trimEnd().split('\n')).toEqual([
      'The environment is not complete:',
      ...['DATABASE_URL', ...Object.keys(SECRET)].map((name) => `  ${name}: is missing`),
    ]);
  });
});
