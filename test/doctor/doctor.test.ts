import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { exitCodeOf } from '../../src/doctor/doctor.ts';
import { demoSeed } from '../../src/emulator/demo.ts';
import type { Emulator } from '../../src/emulator/emulator.ts';
import { startEmulator } from '../../src/emulator/emulator.ts';
import { environmentOf, examineLocal, namesOf } from './examination.ts';

// Plays the commands of docs/how-to/run-the-doctor.md.
let emulator: Emulator;
beforeEach(async () => {
  emulator = await startEmulator({ port: 0, stateFile: ':memory:', seed: demoSeed });
});
afterEach(() => emulator.close());

const organizations = async (): Promise<number> => {
  const response = await fetch(`${emulator.url}/organizations?limit=100`, {
    headers: { authorization: `Bearer ${emulator.apiKey}` },
  });
  return ((await response.json()) as { data: unknown[] }).data.length;
};

it('runs the other steps after one that failed, and deletes the organization last', async () => {
  emulator.faults.add({ kind: 'status', status: 500, method: 'POST', path: '/webhook_endpoints' });
  emulator.faults.add({ kind: 'malformed_json', method: 'GET', path: '/events', times: 1 });
  const examination = await examineLocal(emulator);
  expect(namesOf(examination)).toContain('!unexpected-answer');
  expect(examination.steps).toHaveLength(20);
  expect([await organizations(), examination.left]).toEqual([5, []]);
  const deleted = emulator.requests().filter(({ method, path }) => method === 'DELETE' && path.startsWith('/'));
  expect(deleted.at(-1)?.path).toMatch(/^\/organizations\//);
});

it('lists what it could not delete, and exits with 2', async () => {
  emulator.faults.add({ kind: 'status', status: 503, method: 'DELETE', path: '/organizations/:id', times: 0 });
  const examination = await examineLocal(emulator);
  expect(examination.left.join()).toMatch(/organization org_\w+: its deletion was answered 503/);
  expect(exitCodeOf(examination)).toBe(2);
});

it('cleans up when it is interrupted at any step', async () => {
  for (const step of [2, 5, 12]) {
    const end = new AbortController();
    const onStep = ({ number }: { number: number }) => {
      if (number === step) end.abort();
    };
    const examination = await examineLocal(emulator, { signal: end.signal, onStep });
    expect([examination.interrupted, examination.left, exitCodeOf(examination)]).toEqual([true, [], 2]);
    expect(await organizations()).toBe(5);
  }
});

it('reports answers of WorkOS that Latchkey cannot read', async () => {
  const examination = await examineLocal(emulator, {
    judge: {
      verifyToken: () => Promise.reject(new Error('not for us')),
      verifyWebhook: () => () => Promise.resolve(false),
      unseal: () => Promise.resolve(undefined),
    },
  });
  expect(namesOf(examination).toSorted()).toEqual(['!cookie-unread', '!issuer', '!machine-token', '!webhook']);
});

it('reports a role whose session does not fit a cookie', async () => {
  const permissions = Array.from({ length: 120 }, (_, i) => `documents:write:kind-${i}`);
  emulator.seed({ roles: [{ slug: 'everything', name: 'Everything', permissions }] });
  const examination = await examineLocal(emulator);
  expect(namesOf(examination)).toEqual(['!role-too-large']);
  const seen = examination.steps.flatMap(({ findings }) => findings.map((finding) => finding.seen));
  expect(seen).toEqual([expect.stringMatching(/^everything: 120 permissions, about [4-9]\d{3} bytes$/)]);
});

it('marks only the difference that breaks something', async () => {
  emulator.behave({ timestamps: 'words', unknown_fields: true, owner_kind: 'agent_registration' });
  expect(namesOf(await examineLocal(emulator)).toSorted()).toEqual(['!timestamp-form', 'owner-kind', 'unknown-fields']);
});

it('reports events that are unreadable for another reason than their times', async () => {
  const event = { id: 'event_odd', event: 'api_key.created', created_at: '2026-01-01 00:00:00.000', data: {} };
  const body = { object: 'list', data: [event], list_metadata: { after: null } };
  emulator.faults.add({ kind: 'status', status: 200, body, path: '/events', times: 0 });
  const names = namesOf(await examineLocal(emulator, { waitMs: 100 }));
  expect(names).toEqual(expect.arrayContaining(['timestamp-form', '!event-unreadable']));
  expect(names).not.toContain('!timestamp-form');
});

it('reports a machine token without the requested scope', async () => {
  emulator.faults.add({ kind: 'status', status: 422, method: 'POST', path: '/connect/applications' });
  expect(namesOf(await examineLocal(emulator))).toEqual(['!machine-scope']);
});

it('skips unavailable features with the reason', async () => {
  emulator.faults.add({ kind: 'status', status: 404, method: 'POST', path: '/connect/applications' });
  emulator.faults.add({ kind: 'status', status: 403, method: 'POST', path: '/user_management/users/:id/api_keys' });
  const { steps } = await examineLocal(emulator);
  const skipped = steps.filter(({ status }) => status === 'skipped');
  expect(skipped.map(({ number, notes }) => [number, notes[0]])).toEqual([
    [17, expect.stringContaining('no machine applications (404')],
    [18, expect.stringContaining('no keys of users (403')],
    [20, expect.stringContaining('--burst')],
  ]);
});

it('npm run doctor writes a report, and cleans up on Ctrl-C', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'doctor-'));
  const report = join(folder, 'report.md');
  const start = () =>
    spawn(process.execPath, ['src/cli/doctor.ts', '--workos', '--report', report], {
      env: { ...process.env, ...environmentOf(emulator) },
      stdio: ['ignore', 'pipe', 'inherit'],
    });
  const whole = start();
  whole.stdout.resume();
  expect(await once(whole, 'exit')).toEqual([0, null]);
  expect(readFileSync(report, 'utf8')).toContain('Everything that the doctor created is deleted.');
  expect(statSync(report).mode & 0o777).toBe(0o600);

  const cut = start();
  for await (const line of createInterface(cut.stdout)) if (line.startsWith(' 3 ')) cut.kill('SIGINT');
  if (cut.exitCode === null) await once(cut, 'exit');
  expect(cut.exitCode).toBe(2);
  expect(readFileSync(report, 'utf8')).toContain('The examination was interrupted.');
  expect(await organizations()).toBe(5);
  rmSync(folder, { recursive: true });
});

const exitOf = async (args: string[], env: NodeJS.ProcessEnv) => {
  const child = spawn(process.execPath, ['src/cli/doctor.ts', ...args], { env, stdio: 'ignore' });
  return (await once(child, 'exit'))[0] as number;
};

it('npm run doctor exits with 2 without --workos or with a wrong environment', async () => {
  expect(await exitOf([], process.env)).toBe(2);
  expect(await exitOf(['--workos'], { PATH: process.env['PATH'] })).toBe(2);
});
