import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { pino } from 'pino';
import { afterAll, describe, expect, test } from 'vitest';
import { readConfig } from '../../src/app/read-config.ts';
import type { Loop } from '../../src/background/loop.ts';
import { makeIdleLoops } from '../../src/app/command-parts.ts';
import { readProduct } from '../../src/product/read-product.ts';
import { freshDatabase } from '../support/database.ts';
import { readModules } from './modules.ts';

const { db, close } = await freshDatabase();
afterAll(close);

const SOURCES = join(import.meta.dirname, '../../src');
/** What repeats without being a loop: the runner of loops, what watches sockets and open streams, renewed leases, the size of the heap. */
const REPEATERS = [
  'background/background.ts',
  'background/run-every.ts',
  'background/while-renewing.ts',
  'invalidation/follow-invalidations.ts',
  'http/server/connections.ts',
  'process/lean-heap.ts',
];

/** Every loop that any configuration has. */
const loops = makeIdleLoops({
  config: readConfig({
    DATABASE_URL: 'postgres://handed-in',
    WORKOS_API_KEY: 'sk_test_structure',
    WORKOS_CLIENT_ID: 'client_structure',
    WORKOS_API_KEY_TEST: 'sk_test_other',
    WORKOS_CLIENT_ID_TEST: 'client_other',
    WORKOS_COOKIE_PASSWORD: 'x'.repeat(32),
    LATCHKEY_SECRET: 'x'.repeat(32),
    LATCHKEY_NOTICES_SECRET: `whsec_${Buffer.alloc(32, 1).toString('base64')}`,
  }),
  product: {
    ...readProduct(new URL('../../config/evershell.yaml', import.meta.url)),
    webhooks: {
      audit_forwarding: true,
      deliveries: { read_scope: 'audit:read', replay_scope: 'apikeys:write' },
      endpoints: [
        { name: 'crm', url: 'https://crm.example.com/', secret_env: 'LATCHKEY_NOTICES_SECRET', events: undefined },
      ],
    },
  },
  db,
  log: pino({ level: 'silent' }),
});

/** What a loop lacks. */
async function faultsOf(loop: Loop): Promise<string[]> {
  const faults: string[] = [];
  if ('bulk' in loop) {
    if (loop.bulk.length < 20) faults.push(`${loop.name} does not say why it needs no dead letters`);
  } else {
    if ((await loop.items.count()) !== 0) faults.push(`${loop.name} counts dead letters that are not there`);
    if ((await loop.items.list({ organizationId: undefined, limit: 1 })).length > 0) faults.push(`${loop.name} lists`);
    if (await loop.items.retry('nothing')) faults.push(`${loop.name} retries what is not there`);
  }
  const lag = loop.lagSeconds ? await loop.lagSeconds() : 0;
  if (!(lag >= 0)) faults.push(`${loop.name} has no lag`);
  return faults;
}

test('there are the loops that the service runs', () => {
  expect(loops.map(({ name }) => name).toSorted((a, b) => (a < b ? -1 : 1))).toEqual(
    expect.arrayContaining(['apply_waiting_hooks', 'events', 'members', 'settle', 'test_events', 'tell_postures']),
  );
  expect(loops.length).toBeGreaterThan(18);
  expect(new Set(loops.map(({ name }) => name)).size).toBe(loops.length);
});

describe.each(loops.map((loop): [string, Loop] => [loop.name, loop]))('the loop %s', (_name, loop) => {
  test('has dead letters or says why it needs none, and a lag', async () => {
    expect(await faultsOf(loop)).toEqual([]);
  });
});

test('a loop that shows nothing is found', async () => {
  const bare = { name: 'bare', everyMs: 1, step: () => Promise.resolve(), bulk: '' };
  expect(await faultsOf(bare)).toEqual(['bare does not say why it needs no dead letters']);
});

test('nothing is repeated in the background but as a loop', () => {
  const repeating = readModules()
    .map(({ path }) => path)
    .filter((path) => !path.startsWith('client/') && !path.startsWith('emulator/') && !path.startsWith('../'))
    .filter((path) => /\bsetInterval\(|\brunEvery\(/.test(readFileSync(join(SOURCES, path), 'utf8')));
  expect(repeating.filter((path) => !REPEATERS.includes(path))).toEqual([]);
});
