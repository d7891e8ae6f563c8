import { readFileSync } from 'node:fs';
import { request } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import { inject, describe, expect, test } from 'vitest';
import { startProduction } from '../attacks/start.ts';
import { freePort, runEntry } from '../process/start.ts';

// The lines of docs/how-to/use-all-cores.md, with two processes.
const PROCESSES = 2;
const DEADLINE_MS = 60_000;

/** The service as several processes of one machine. */
async function start() {
  if (inject('template').kind === 'embedded') throw new Error('this test needs TEST_DATABASE_URL');
  const target = await startProduction({
    LATCHKEY_PROCESSES: String(PROCESSES),
    REDIS_URL: String(process.env['TEST_REDIS_URL']),
    PORT: String(await freePort()),
  });
  await until(() => target.log().includes('all processes serve'));
  return target;
}

async function until(isSo: () => boolean | Promise<boolean>): Promise<void> {
  const deadline = performance.now() + DEADLINE_MS;
  while (!(await isSo())) {
    if (performance.now() > deadline) throw new Error('this did not come to be');
    await sleep(50);
  }
}

type Target = Awaited<ReturnType<typeof start>>;

/** Sends a request on a connection of its own, which goes to the next process. */
function ask(target: Target, method: string, path: string, body?: object): Promise<{ status: number; text: string }> {
  const headers = { authorization: `Bearer ${target.serviceToken}`, 'content-type': 'application/json' };
  return new Promise((resolve, reject) => {
    const sent = request(`${target.url}${path}`, { method, headers, agent: false }, (response) => {
      let text = '';
      response.setEncoding('utf8').on('data', (piece: string) => (text += piece));
      response.on('end', () => resolve({ status: response.statusCode!, text }));
    });
    sent.on('error', reject).end(body && JSON.stringify(body));
  });
}

const verdict = async (target: Target, key = target.key) =>
  (JSON.parse((await ask(target, 'POST', '/v1/api-keys/verify', { key })).text) as { code: string }).code;

/** The processes that the supervisor started. */
const childrenOf = (pid: number): number[] =>
  readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim().split(' ').filter(Boolean).map(Number);

const isAlive = (pid: number): boolean => {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
};

/** The accepted verifications that one scrape shows, by process. */
async function acceptedByProcess(target: Target): Promise<number[]> {
  const { status, text } = await ask(target, 'GET', '/metrics');
  if (status !== 200) return [];
  const lines = text.matchAll(/^latchkey_verifications_total\{(?=.*code="valid")(?=.*process="(\d)").*\} (\d+)$/gm);
  return [...lines].toSorted(([, a], [, b]) => Number(a) - Number(b)).map(([, , times]) => Number(times));
}

describe('LATCHKEY_PROCESSES', () => {
  test('hands connections to all processes in turn, and shows the metrics of all in one scrape', async () => {
    const target = await start();
    for (let i = 0; i < 20; i++) expect(await verdict(target)).toBe('valid');
    const accepted = await acceptedByProcess(target);
    expect(accepted).toHaveLength(PROCESSES);
    expect(Math.min(...accepted)).toBeGreaterThan(0);
    expect(accepted[0]! + accepted[1]!).toBe(20);
    const { text } = await ask(target, 'GET', '/metrics');
    expect(text.match(/^# TYPE latchkey_verifications_total /gm)).toHaveLength(1);
    expect(text).toMatch(/^process_start_time_seconds\{process="1"\} \d+$/m);
  });

  test('replaces a process that is killed, while the other answers', async () => {
    const target = await start();
    const before = childrenOf(target.pid);
    expect(before).toHaveLength(PROCESSES);
    process.kill(before[0]!, 'SIGKILL');
    await until(() => !isAlive(before[0]!));
    for (let i = 0; i < 10; i++) expect(await verdict(target)).toBe('valid');
    await until(async () => (await acceptedByProcess(target)).length === PROCESSES);
    expect(childrenOf(target.pid)).toContain(before[1]);
    expect(target.log()).toContain('process ended; starting another in its place');
  });

  test.each(['the supervisor', 'all'] as const)('stops in order when SIGTERM reaches %s', async (signalled) => {
    const target = await start();
    const all = [target.pid, ...childrenOf(target.pid)];
    for (const pid of signalled === 'all' ? all : [target.pid]) process.kill(pid, 'SIGTERM');
    await until(() => !all.some(isAlive));
    expect(target.log()).not.toMatch(/"level":"(?:error|fatal)"/);
  });

  test('stops the start with one reason when no process can serve', async () => {
    const { code, stderr } = await runEntry('main', {
      DATABASE_URL: `postgres://latchkey@127.0.0.1:${await freePort()}/latchkey`,
      WORKOS_API_KEY: 'sk_test',
      WORKOS_CLIENT_ID: 'client_test',
      WORKOS_COOKIE_PASSWORD: 'x'.repeat(32),
      LATCHKEY_SECRET: 'x'.repeat(32),
      LATCHKEY_PROCESSES: '3',
      REDIS_URL: String(process.env['TEST_REDIS_URL']),
      PORT: String(await freePort()),
    });
    expect(code).toBe(1);
    expect(stderr.match(/The database cannot be reached/g)).toHaveLength(1);
    expect(stderr).toContain('No process came to serve');
  });
});
