import { readFileSync } from 'node:fs';
import { Agent, request } from 'node:http';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { startChild } from '../support/child.ts';
import type { Attack } from './attacker.ts';
import type { Target } from './start.ts';

export const SECONDS = Number(process.env['ATTACK_SECONDS'] ?? 5);

const SAMPLE_MS = 100;
const PAUSE_MS = 5;
const MIB = 1024;

type Seen = { worstMs: number; verifications: number; grownMib: number };

/** Returns the resident memory in MiB. */
export function residentMib({ pid }: Target): number {
  const kib = /VmRSS:\s+(\d+) kB/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1];
  return Number(kib) / MIB;
}

/** Counts open connections to the target's port, as the operating system lists them. */
export function connectionsTo({ url }: Target, from: string): number {
  const port = Number(new URL(url).port).toString(16).toUpperCase().padStart(4, '0');
  const own = from
    .split('.')
    .toReversed()
    .map((part) => Number(part).toString(16).toUpperCase().padStart(2, '0'))
    .join('');
  const lines = readFileSync('/proc/net/tcp', 'utf8').split('\n');
  // The server's side: local port, remote address, state ESTABLISHED.
  return lines.filter((line) => new RegExp(`^ *\\d+: [0-9A-F]{8}:${port} ${own}:[0-9A-F]{4} 01 `).test(line)).length;
}

/** Measures the latency of good verifications and the growth of memory while an attack runs. */
export async function underAttack(target: Target, attack: Omit<Attack, 'host' | 'port'> | undefined): Promise<Seen> {
  await verifyFor(target, 500);
  const before = residentMib(target);
  let most = before;
  const sampling = setInterval(() => (most = Math.max(most, residentMib(target))), SAMPLE_MS);
  const attacker = attack && startAttacker(target, attack);
  try {
    const waits = await verifyFor(target, SECONDS * 1_000);
    return { worstMs: Math.max(...waits), verifications: waits.length, grownMib: most - before };
  } finally {
    clearInterval(sampling);
    attacker?.kill('SIGKILL');
    await attacker?.exited;
    await sleep(500);
  }
}

function startAttacker({ url }: Target, attack: Omit<Attack, 'host' | 'port'>) {
  const { hostname: host, port } = new URL(url);
  const args = [join(import.meta.dirname, 'attacker.ts'), JSON.stringify({ ...attack, host, port: Number(port) })];
  return startChild(process.execPath, args);
}

/** Verifies a key again and again on one connection. @returns the latencies in ms */
async function verifyFor(target: Target, milliseconds: number): Promise<number[]> {
  const agent = new Agent({ keepAlive: true, maxSockets: 1 });
  const waits: number[] = [];
  const end = performance.now() + milliseconds;
  while (performance.now() < end) {
    const from = performance.now();
    // When the connection is cut, the second attempt is part of the latency.
    await verify(target, agent).catch(() => verify(target, agent));
    waits.push(performance.now() - from);
    await sleep(PAUSE_MS);
  }
  agent.destroy();
  return waits;
}

/** @throws when the good key is refused */
export async function verifyOnce(target: Target): Promise<void> {
  const agent = new Agent();
  await verify(target, agent);
  agent.destroy();
}

function verify({ url, serviceToken, key }: Target, agent: Agent): Promise<void> {
  const body = JSON.stringify({ key });
  const headers = {
    authorization: `Bearer ${serviceToken}`,
    'content-type': 'application/json',
    'content-length': body.length,
  };
  return new Promise((resolve, reject) => {
    const outgoing = request(`${url}/v1/api-keys/verify`, { method: 'POST', agent, headers }, (response) => {
      let text = '';
      response.setEncoding('utf8').on('data', (part) => (text += part));
      response.on('end', () => (text.includes('"valid":true') ? resolve() : reject(new Error(text))));
    });
    outgoing.on('error', reject);
    outgoing.end(body);
  });
}

const figures: string[] = [];

/** Prints a line at the end of the run. */
export function note(line: string): void {
  figures.push(line);
}

export function printFigures(): void {
  process.stdout.write(`\n${figures.join('\n')}\n`);
}
