import { randomBytes } from 'node:crypto';
import { spawn } from 'node:child_process';
import { closeSync, mkdtempSync, openSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll } from 'vitest';
import { startEmulator } from '../../src/emulator/emulator.ts';
import { demoSeed } from '../../src/emulator/demo.ts';
import { makeLifetime } from '../../src/process/shutdown.ts';
import { freshDatabase } from '../support/database.ts';
import { freePort } from '../process/start.ts';
import { npmStartArguments } from '../support/npm-start.ts';

/** The attacked process, and a good key. */
export type Target = {
  url: string;
  pid: number;
  serviceToken: string;
  key: string;
  /** The output so far. */
  log: () => string;
};

const ROOT = join(import.meta.dirname, '..', '..');
const START_MS = 120_000;
/** As `npm start` and docs/tutorials/run-in-production.md start them. */
const ARGUMENTS = {
  embedded: npmStartArguments,
  main: () => ['--max-semi-space-size=8', 'src/main.ts'],
} as const;
const lifetime = makeLifetime();
// Registered here: vitest does not call a hook that another hook registers.
afterAll(() => lifetime.end());

/** Starts what `npm start` starts; stopped after the test file. */
export async function startEmbedded(): Promise<Target> {
  const folder = mkdtempSync(join(tmpdir(), 'latchkey-attacks-'));
  lifetime.onEnd(() => rmSync(folder, { recursive: true, force: true, maxRetries: 3 }));
  const env = { LATCHKEY_DATA_DIR: folder, PORT: `${await freePort()}`, WORKOS_PORT: `${await freePort()}` };
  const child = start('embedded', env);
  await child.saw(/Stop with Ctrl-C/);
  const url = `http://127.0.0.1:${env.PORT}`;
  return targetOf(child, url, `http://127.0.0.1:${env.WORKOS_PORT}`, 'svc_latchkey_demo');
}

/** Starts the service as docs/tutorials/run-in-production.md does, on its own database; stopped after the test file. */
export async function startProduction(more: Readonly<Record<string, string>> = {}): Promise<Target> {
  const workos = await startEmulator({ port: 0, stateFile: ':memory:', seed: demoSeed });
  lifetime.onEnd(() => workos.close());
  const { url: databaseUrl, close } = await freshDatabase();
  lifetime.onEnd(close);
  const serviceToken = 'svc_latchkey_attacks';
  const child = start('main', {
    DATABASE_URL: String(databaseUrl),
    WORKOS_API_KEY: workos.apiKey,
    WORKOS_CLIENT_ID: workos.clientId,
    WORKOS_API_URL: workos.url,
    WORKOS_AUTHKIT_URL: workos.url,
    WORKOS_COOKIE_PASSWORD: randomBytes(32).toString('hex'),
    LATCHKEY_SECRET: randomBytes(32).toString('hex'),
    LATCHKEY_SERVICE_TOKENS: serviceToken,
    MALLOC_ARENA_MAX: '1',
    PORT: '0',
    ...more,
  });
  const [, url = ''] = await child.saw(/"url":"([^"]+)".*latchkey listens/);
  return targetOf(child, url, workos.url, serviceToken);
}

type Service = { pid: number; log: () => string; saw: (pattern: RegExp) => Promise<RegExpExecArray> };

/** Starts a process that logs to a file, as under a supervisor: a pipe that the test reads slowly would delay it. */
function start(entry: 'main' | 'embedded', env: Readonly<Record<string, string>>): Service {
  const folder = mkdtempSync(join(tmpdir(), 'latchkey-attacked-'));
  const file = join(folder, 'log');
  const log = openSync(file, 'w');
  const { PATH = '', HOME = '' } = process.env;
  const child = spawn(process.execPath, ARGUMENTS[entry](), {
    cwd: ROOT,
    env: { PATH, HOME, ...env },
    stdio: ['ignore', log, log],
  });
  closeSync(log);
  lifetime.onEnd(() => {
    child.kill('SIGKILL');
    rmSync(folder, { recursive: true, force: true, maxRetries: 3 });
  });
  const saw = async (pattern: RegExp) => {
    for (let i = 0; i < START_MS / 100; i++) {
      const found = pattern.exec(readFileSync(file, 'utf8'));
      if (found) return found;
      await sleep(100);
    }
    throw new Error(`${entry} did not start:\n${readFileSync(file, 'utf8')}`);
  };
  return { pid: child.pid!, log: () => readFileSync(file, 'utf8'), saw };
}

async function send(address: string, method: string, token: string, body: object): Promise<Record<string, string>> {
  const response = await fetch(address, {
    method,
    headers: { 'content-type': 'application/json', authorization: `Bearer ${token}` },
    body: JSON.stringify(body),
  });
  if (!response.ok) throw new Error(`${address} answered ${response.status}: ${await response.text()}`);
  return (await response.json()) as Record<string, string>;
}

/** Creates the good key. */
async function targetOf({ pid, log }: Service, url: string, workosUrl: string, serviceToken: string): Promise<Target> {
  const { access_token: token = '' } = await send(`${workosUrl}/user_management/authenticate`, 'POST', '', {
    grant_type: 'password',
    client_id: 'client_latchkey',
    client_secret: 'sk_test_latchkey',
    email: 'owner@acme.test',
    password: 'latchkey-demo',
  });
  await send(`${url}/v1/organizations/org_acme/billing`, 'PUT', serviceToken, { status: 'active' });
  const wanted = { label: 'attacked', permission_set: 'read_only' };
  const { value: key = '' } = await send(`${url}/v1/api-keys`, 'POST', token, wanted);
  return { url, pid, serviceToken, key, log };
}
