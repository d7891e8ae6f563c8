import type { ChildProcess } from 'node:child_process';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, expect, it } from 'vitest';
import type { Json } from '../emulator/harness.ts';

// Plays the commands of docs/how-to/use-the-local-workos.md.
const ENTRY = new URL('../../src/cli/local-workos.ts', import.meta.url).pathname;
let folder: string;
const children: ChildProcess[] = [];

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'workos-local-'));
});
afterEach(() => {
  for (const child of children.splice(0)) child.kill('SIGKILL');
});
afterAll(() => rmSync(folder, { recursive: true }));

type Ended = { code: number | null; stderr: string };

function start(environment: Record<string, string>): {
  child: ChildProcess;
  line: Promise<string>;
  ended: Promise<Ended>;
} {
  const child = spawn(process.execPath, [ENTRY], {
    env: { ...process.env, PORT: '0', LATCHKEY_DATA_DIR: folder, ...environment },
  });
  children.push(child);
  let stderr = '';
  child.stderr.on('data', (chunk: Buffer) => {
    stderr += chunk.toString();
  });
  const line = once(child.stdout, 'data').then(([chunk]) => String(chunk));
  const ended = once(child, 'exit').then(([code]: (number | null)[]) => ({ code: code ?? null, stderr }));
  return { child, line, ended };
}

it('prints its address, refuses to share its port or state, and ends on SIGTERM', async () => {
  const first = start({});
  const line = await first.line;
  const port = /^Local WorkOS on http:\/\/127\.0\.0\.1:(?<port>\d+), the demo, state in \S+state\.sqlite\n$/.exec(line)
    ?.groups?.['port'];
  expect(port).toBeDefined();
  expect((await fetch(`http://127.0.0.1:${port}/oauth2/jwks`)).status).toBe(200);

  const [sameState, samePort] = await Promise.all([
    start({}).ended,
    start({ PORT: port!, LATCHKEY_DATA_DIR: join(folder, 'other') }).ended,
  ]);
  expect(sameState.code).toBe(1);
  expect(sameState.stderr).toMatch(
    /^Local WorkOS did not start: The state file \S+ is in use by another local WorkOS\.\n$/,
  );
  expect(samePort).toEqual({
    code: 1,
    stderr: `Local WorkOS did not start: Port ${port} on 127.0.0.1 is already in use.\n`,
  });

  first.child.kill('SIGTERM');
  expect(await first.ended).toEqual({ code: 0, stderr: '' });
});

it('keeps its answers when it is killed, and restarts on the same state', async () => {
  const environment = { LATCHKEY_DATA_DIR: join(folder, 'killed') };
  const first = start(environment);
  const { value } = (await post(addressIn(await first.line), '/organizations/org_acme/api_keys', {
    name: 'x',
  })) as Json;
  first.child.kill('SIGKILL');
  await first.ended;
  const second = start(environment);
  const validation = (await post(addressIn(await second.line), '/api_keys/validations', { value })) as Json;
  expect(validation.api_key).toMatchObject({ name: 'x' });
});

it('refuses a public address, and an invalid port', async () => {
  const [reachable, noPort] = await Promise.all([start({ HOST: '0.0.0.0' }).ended, start({ PORT: 'x' }).ended]);
  expect(reachable).toEqual({
    code: 1,
    stderr: expect.stringMatching(/^Local WorkOS did not start: .*loopback only.*\n$/),
  });
  expect(noPort).toEqual({ code: 1, stderr: expect.stringMatching(/^Local WorkOS did not start: .*PORT.*\n$/) });
});

const addressIn = (line: string): string => /http:\S+(?=,)/.exec(line)![0];

async function post(url: string, path: string, body: object): Promise<unknown> {
  const headers = { authorization: 'Bearer sk_test_latchkey', 'content-type': 'application/json' };
  return (await fetch(`${url}${path}`, { method: 'POST', headers, body: JSON.stringify(body) })).json();
}
