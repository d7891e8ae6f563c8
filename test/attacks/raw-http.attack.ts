import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { makeRandom } from '../crash/random.ts';
import type { Random } from '../crash/random.ts';
import { connectionsTo, residentMib, verifyOnce } from './measure.ts';
import { oddRequest } from './odd-requests.ts';
import { startProduction } from './start.ts';
import type { Target } from './start.ts';

/** The requests of all clients together. */
const REQUESTS = Number(process.env['FUZZ_REQUESTS'] ?? 100_000);
const SEED = process.env['FUZZ_SEED'] ?? '20261121';
const CLIENTS = 48;
const MAX_KEPT_MIB = 80;
const ADDRESS = '127.2.0.1';
/** By then every deadline for a half-sent request has passed. */
const LAST_DEADLINE_MS = 36_000;
const ANSWER = /HTTP\/1\.1 (\d{3}) /g;

let target: Target;

beforeAll(async () => {
  target = await startProduction({
    LATCHKEY_CONFIG: withSignIn(),
    WORKOS_WEBHOOK_SECRET: 'a webhook secret of tests',
    STRIPE_WEBHOOK_SECRET: 'whsec_0123456789abcdef0123',
    BILLING_WEBHOOK_SECRETS: `whsec_${Buffer.alloc(24, 7).toString('base64')}`,
    // No limit, so that every credential is checked.
    LATCHKEY_FAILED_CREDENTIALS_PER_MINUTE: '0',
    LATCHKEY_SIGN_INS_PER_MINUTE: '1000000',
  });
}, 150_000);

function withSignIn(): string {
  const usual = readFileSync(new URL('../../config/evershell.yaml', import.meta.url), 'utf8');
  const folder = mkdtempSync(join(tmpdir(), 'latchkey-fuzz-'));
  afterAll(() => rmSync(folder, { recursive: true, force: true }));
  const file = join(folder, 'product.yaml');
  writeFileSync(file, `${usual}\nsessions:\n  password_sign_in: true\n`);
  return file;
}

/** Sends some requests on one socket, whole or broken off. @returns how many, and the statuses of the early answers */
function converse(random: Random): Promise<{ sent: number; statuses: number[] }> {
  const sent = 1 + random.below(3);
  const whole = Buffer.concat(Array.from({ length: sent }, () => oddRequest(random, target)));
  const bytes = random.chance(0.2) ? whole.subarray(0, random.below(whole.length)) : whole;
  const cut = random.chance(0.5) ? random.below(bytes.length + 1) : bytes.length;
  const leaving = random.pick(['end', 'destroy', 'reset', 'stay'] as const);
  const { hostname, port } = new URL(target.url);
  const { promise, resolve } = Promise.withResolvers<{ sent: number; statuses: number[] }>();
  const socket = connect({ port: Number(port), host: hostname, localAddress: ADDRESS });
  let received = '';
  const leave = () => {
    if (leaving === 'end') socket.end();
    else if (leaving === 'reset') socket.resetAndDestroy();
    else if (leaving === 'destroy') socket.destroy();
    setTimeout(() => socket.destroy(), 20);
  };
  socket.on('connect', () => {
    socket.write(bytes.subarray(0, cut));
    // The rest goes in another packet.
    setImmediate(() => socket.write(bytes.subarray(cut)));
    setTimeout(leave, 50 + random.below(100));
  });
  socket.on('data', (chunk) => (received += chunk.toString('latin1')));
  socket.on('error', () => undefined);
  socket.on('close', () => {
    resolve({ sent, statuses: [...received.matchAll(ANSWER)].map(([, status]) => Number(status)) });
  });
  return promise;
}

async function fuzz(requests: number, seed: string): Promise<Map<number, number>> {
  const seen = new Map<number, number>();
  let left = requests;
  const client = async (_unused: unknown, index: number) => {
    const random = makeRandom(`${seed} ${index}`);
    while (left > 0) {
      const { sent, statuses } = await converse(random);
      left -= sent;
      for (const status of statuses) seen.set(status, (seen.get(status) ?? 0) + 1);
    }
  };
  await Promise.all(Array.from({ length: CLIENTS }, client));
  return seen;
}

test(
  `${REQUESTS} odd requests are answered in order, and leave no socket, no memory and no error behind`,
  { timeout: 20 * 60_000 },
  async () => {
    await fuzz(REQUESTS / 5, `${SEED} to warm up`);
    await sleep(2_000);
    const before = residentMib(target);
    const seen = await fuzz(REQUESTS, SEED);
    process.stdout.write(`\nstatuses of ${REQUESTS} requests: ${JSON.stringify(Object.fromEntries(seen))}\n`);
    expect([...seen.keys()].filter((status) => status >= 500 && status !== 503)).toEqual([]);
    expect([...seen.keys()]).toEqual(expect.arrayContaining([200, 400, 401, 404, 405, 413]));
    await expect.poll(() => connectionsTo(target, ADDRESS), { timeout: LAST_DEADLINE_MS, interval: 250 }).toBe(0);
    await verifyOnce(target);
    const kept = residentMib(target) - before;
    process.stdout.write(`resident memory before ${before.toFixed(0)} MiB, kept ${kept.toFixed(0)} MiB\n`);
    expect(kept).toBeLessThan(MAX_KEPT_MIB);
    const errors = target
      .log()
      .split('\n')
      .filter((line) => line.includes('"level":"error"') || line.includes('"status":500'));
    expect(errors).toEqual([]);
  },
);
