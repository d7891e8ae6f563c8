import { randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { DEMO, demoSeed } from '../../src/emulator/demo.ts';
import { startEmulator } from '../../src/emulator/emulator.ts';
import { connectDatabase } from '../../src/db/connect.ts';
import { migrate } from '../../src/db/migrations.ts';
import { runChild } from '../support/child.ts';
import { withDatabase } from '../support/database-url.ts';
import { fillMirror, fillWorkos, wantedOf } from './fill.ts';

// `npm run test:reconcile-large [-- --keys N] [-- --environment test]`: a reconciliation of 100,000 keys, as a process of its own whose heap is
// too small to hold them, on the server of TEST_DATABASE_URL.
const { values } = parseArgs({
  options: { keys: { type: 'string', default: '100000' }, environment: { type: 'string', default: 'live' } },
});
const keys = Number(values.keys);
const environment = values.environment === 'test' ? 'test' : 'live';
const SERVER = process.env['TEST_DATABASE_URL'] ?? 'postgres://postgres@127.0.0.1:5432/postgres';
/** What the process needs for itself is about half of it; 100,000 keys of WorkOS in memory would be twice as much. */
const HEAP_MB = 64;
const ROOT = join(import.meta.dirname, '..', '..');

const say = (text: string) => void process.stdout.write(`${text}\n`);
const name = `latchkey_large_${randomBytes(6).toString('hex')}`;
const folder = mkdtempSync(join(tmpdir(), 'latchkey-large-'));
const stateFile = join(folder, 'state.sqlite');
const admin = connectDatabase({ url: SERVER, poolMax: 1, statementTimeoutMs: null });
await admin.raw('create database ??', [name]);
const url = withDatabase(SERVER, name);
try {
  const db = connectDatabase({ url, poolMax: 1, statementTimeoutMs: null });
  await migrate(db);
  await fillMirror(db, keys, environment);
  await db.raw('analyze');
  await db.destroy();
  fillWorkos(stateFile, keys);
  const workos = await startEmulator({ port: 0, stateFile });
  const nobody = { ...demoSeed, organizations: [], people: [], memberships: [], machineClients: [] };
  const empty = await startEmulator({ port: 0, stateFile: ':memory:', seed: nobody });
  const { apiKey, clientId } = workos;
  const ofTest = { WORKOS_API_KEY_TEST: apiKey, WORKOS_CLIENT_ID_TEST: clientId, WORKOS_API_URL_TEST: workos.url };
  const addresses = environment === 'live' ? { WORKOS_API_URL: workos.url } : { WORKOS_API_URL: empty.url, ...ofTest };
  try {
    await reconcile(addresses, 2, wantedOf(keys));
    await reconcile(addresses, 0, wantedOf(0));
  } finally {
    await Promise.all([workos.close(), empty.close()]);
  }
  say('PASSED');
} finally {
  await admin.raw('drop database if exists ?? with (force)', [name]);
  await admin.destroy();
  rmSync(folder, { recursive: true, force: true });
}

async function reconcile(addresses: Record<string, string>, code: number, wanted: object): Promise<void> {
  const startedAt = performance.now();
  const args = [`--max-old-space-size=${HEAP_MB}`, join('src', 'cli', 'reconcile.ts'), '--json'];
  const child = await runChild(process.execPath, args, {
    cwd: ROOT,
    env: {
      DATABASE_URL: url,
      WORKOS_API_KEY: DEMO.apiKey,
      WORKOS_CLIENT_ID: DEMO.clientId,
      ...addresses,
      WORKOS_COOKIE_PASSWORD: 'a cookie password that nobody uses here',
      LATCHKEY_SECRET: 'a secret that no key of this test was made with',
    },
  });
  const seconds = ((performance.now() - startedAt) / 1_000).toFixed(1);
  if (child.code !== code) throw new Error(`exit code ${child.code}, not ${code}\n${child.stderr.slice(-2_000)}`);
  const { counts, mended } = JSON.parse(child.stdout) as { counts: object; mended: number };
  if (JSON.stringify(counts) !== JSON.stringify(wanted)) throw new Error(`found ${JSON.stringify(counts)}`);
  const lines = child.stderr.split('\n').filter((line) => line.startsWith('reconcile: ')).length;
  say(
    `${keys} keys in ${seconds} s with a heap of ${HEAP_MB} MB: ${JSON.stringify(counts)}, ${mended} mended, ${lines} lines of progress`,
  );
}
