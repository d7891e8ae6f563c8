import { randomBytes } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, expect, test } from 'vitest';
import { startEmulator } from '../../src/emulator/emulator.ts';
import { demoSeed } from '../../src/emulator/demo.ts';
import { startEntry } from '../process/start.ts';
import { call, createKey } from '../support/api.ts';
import { makeTestClock } from '../support/clock.ts';
import { freshDatabase } from '../support/database.ts';
import { makeOrganizations } from '../support/organizations.ts';
import { SERVICE_TOKEN, emptySeed, environment } from '../support/service.ts';
import { workosRequests } from '../support/workos-keys.ts';

const BATCH = 100;
const EVERY_MS = 20;
/** 5,000 guesses a second. */
const SECONDS = 10;
/** V8 lets its heap grow for as long before it begins to collect what is old. */
const WARM_UP_SECONDS = 20;
const MAX_GROWTH_MIB = 20;
const QUESTIONS_PER_SECOND = 20;
const QUESTIONS_PER_MINUTE = 10;

type Url = { url: string };

const clock = makeTestClock();
const workos = await startEmulator({ port: 0, stateFile: ':memory:', seed: { ...demoSeed, ...emptySeed }, clock });
const { db, url, close } = await freshDatabase();
afterAll(async () => {
  await workos.close();
  await close();
});
if (url === undefined) throw new Error('this test needs TEST_DATABASE_URL: the service runs as a process of its own');
const env = {
  ...environment(workos),
  DATABASE_URL: url,
  PORT: '0',
  WORKOS_VALIDATIONS_PER_SECOND: `${QUESTIONS_PER_SECOND}`,
  WORKOS_UNEXPECTED_KEYS_PER_MINUTE: `${QUESTIONS_PER_MINUTE}`,
  LATCHKEY_FAILED_CREDENTIALS_PER_MINUTE: '300',
};
const acme = await makeOrganizations({ db, workos, clock }).add({ status: 'active', plan: 'scale' });

const guess = () => `sk_${randomBytes(32).toString('base64url')}`;
const questions = () => workosRequests({ workos }, 'POST', '/api_keys/validations');

async function verify(at: Url, body: object) {
  return (await call(at, 'POST', '/v1/api-keys/verify', { token: SERVICE_TOKEN, body })).body;
}

async function start(): Promise<Url> {
  const [, address = ''] = await startEntry('main', env).saw(/"url":"(http[^"]+)","msg":"latchkey listens"/);
  return { url: address };
}

/** Sends batches at a steady pace, whatever becomes of those before. @returns how many guesses were answered */
async function guessFor(seconds: number, at: Url, addressOf: (n: number) => string): Promise<number> {
  const batches: Promise<unknown>[] = [];
  const from = performance.now();
  for (let n = 0; n < (seconds * 1_000) / EVERY_MS; n++) {
    const keys = Array.from({ length: BATCH }, (_, i) => ({ key: guess(), ip: addressOf(n * BATCH + i) }));
    batches.push(verify(at, { keys }));
    await sleep(Math.max(0, from + n * EVERY_MS - performance.now()));
  }
  await Promise.all(batches);
  return batches.length * BATCH;
}

async function residentMib(at: Url): Promise<number> {
  const text = await (await fetch(`${at.url}/metrics`)).text();
  return Number(/^process_resident_memory_bytes (\S+)$/m.exec(text)?.[1]) / 2 ** 20;
}

/** A good key, verified all the while. @returns how often, and what else than `valid` it was told */
async function verifyUntil(at: Url, key: string, done: () => boolean) {
  let times = 0;
  const wrong: unknown[] = [];
  for (; !done(); times++) {
    const { code } = await verify(at, { key });
    if (code !== 'valid') wrong.push(code);
    await sleep(20);
  }
  return { times, wrong };
}

test.each<[string, (n: number) => string, number]>([
  ['one address', () => '192.0.2.1', QUESTIONS_PER_MINUTE],
  ['20,000 addresses', (n) => `10.0.${(n >> 8) % 80}.${n & 255}`, Number.POSITIVE_INFINITY],
])(
  '5,000 guesses a second from %s leave memory flat, WorkOS alone and good keys working',
  async (_who, addressOf, mostOfOne) => {
    const service = await start();
    const key = await createKey(service, await acme.session());
    const began = performance.now();
    const before = questions();
    await guessFor(WARM_UP_SECONDS, service, addressOf);
    const warm = await residentMib(service);
    let done = false;
    const guessing = guessFor(SECONDS, service, addressOf).finally(() => (done = true));
    const good = await verifyUntil(service, key.value, () => done);
    const answered = await guessing;
    const grown = (await residentMib(service)) - warm;
    const seconds = (performance.now() - began) / 1_000;
    const asked = questions() - before;
    expect(answered).toBe(SECONDS * 5_000);
    expect(good.wrong).toEqual([]);
    expect(good.times).toBeGreaterThan(10);
    expect(grown).toBeLessThan(MAX_GROWTH_MIB);
    expect(asked).toBeLessThanOrEqual(
      Math.min(mostOfOne * Math.ceil(seconds / 60), QUESTIONS_PER_SECOND * (seconds + 1)),
    );
  },
  120_000,
);
