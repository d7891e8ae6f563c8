import { execFileSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { afterAll, expect, test } from 'vitest';
import { makeClient } from './client.ts';
import { startCluster } from './cluster.ts';
import { becomesReady } from './load.ts';
import { recording } from './recording.ts';
import { record } from './results.ts';

const BOUND_MS = 3_000;
const WATCHED_MS = 6_000;

const ip = (...args: string[]) => execFileSync('ip', args, { stdio: ['ignore', 'ignore', 'pipe'] });
/** Both ways: otherwise packets of the database would arrive, and get no answer. */
const rules = (port: number) => [
  ['OUTPUT', '-p', 'tcp', '--dport', `${port}`, '-j', 'DROP'],
  ['INPUT', '-p', 'tcp', '--sport', `${port}`, '-j', 'DROP'],
];

/** A network namespace of the test's own, with one link to this machine; only root may make one. */
function makeNamespace() {
  const name = `lk${randomBytes(3).toString('hex')}`;
  const net = `10.${200 + (randomBytes(1)[0]! % 50)}.${randomBytes(1)[0]!}`;
  afterAll(() => {
    ip('link', 'del', `${name}a`);
    ip('netns', 'del', name);
  });
  ip('netns', 'add', name);
  ip('link', 'add', `${name}a`, 'type', 'veth', 'peer', 'name', `${name}b`);
  ip('link', 'set', `${name}b`, 'netns', name);
  ip('addr', 'add', `${net}.1/24`, 'dev', `${name}a`);
  ip('link', 'set', `${name}a`, 'up');
  const within = ['ip', 'netns', 'exec', name];
  const inside = (command: string, ...args: string[]) => execFileSync('ip', ['netns', 'exec', name, command, ...args]);
  inside('ip', 'addr', 'add', `${net}.2/24`, 'dev', `${name}b`);
  inside('ip', 'link', 'set', `${name}b`, 'up');
  inside('ip', 'link', 'set', 'lo', 'up');
  return {
    within,
    outside: `${net}.1`,
    address: `${net}.2`,
    /** Drops everything to this port from inside, without a rejection. */
    cut: (port: number) => rules(port).forEach((rule) => inside('iptables', '-A', ...rule)),
    reconnect: (port: number) => rules(port).forEach((rule) => inside('iptables', '-D', ...rule)),
  };
}

const cluster = await startCluster({ synchronous: false });
const { primary } = cluster;
const namespace = makeNamespace();
const free = await cluster.replica(primary.url);
await cluster.admit(namespace.outside);
const lonely = await cluster.replica(primary.url.replace('127.0.0.1', namespace.outside), {
  under: namespace.within,
  host: namespace.address,
});
const { client, violations } = recording(await makeClient(cluster, [free, lonely]));

test('a replica that is cut off from its database in silence calls a revoked key valid for 3 seconds at most', async () => {
  const keys = await Promise.all(Array.from({ length: 5 }, () => client.create(free)));
  for (const key of keys) await client.warm(lonely, key);
  namespace.cut(primary.port);
  const cutAt = performance.now();
  const valid: { id: string; asked: number }[] = [];
  const watched = client.until(WATCHED_MS, async () => {
    const asked = performance.now();
    for (const key of keys) if ((await client.verify(lonely, key)).code === 'valid') valid.push({ id: key.id, asked });
  });
  const revokedAt = new Map<string, number>();
  for (const key of keys) {
    expect(await client.revoke(free, key)).toBe('ok');
    revokedAt.set(key.id, performance.now());
  }
  await watched;
  const staleMs = Math.max(0, ...valid.map(({ id, asked }) => asked - (revokedAt.get(id) ?? Infinity)));
  const servedMs = Math.max(...valid.map(({ asked }) => asked)) - cutAt;
  await record('cut-off', primary, { valid: servedMs, stalest: staleMs });
  expect(servedMs).toBeGreaterThan(0);
  expect(servedMs).toBeLessThan(BOUND_MS);
  expect(await client.verify(lonely, keys[0]!)).toMatchObject({ status: 503, code: 'database_unavailable' });
  expect([await client.ready(lonely), await client.ready(free)]).toEqual([503, 200]);
  namespace.reconnect(primary.port);
  await becomesReady(client, lonely);
  for (const key of keys) expect((await client.verify(lonely, key)).code).toBe('revoked');
  expect((await violations([free, lonely])).found).toEqual([]);
});
