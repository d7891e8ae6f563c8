import { describe, expect, onTestFinished, test } from 'vitest';
import { makeLimitsParts } from '../../src/app/api-keys/limits.ts';
import { makeLogger } from '../../src/telemetry/logger.ts';
import { makeMetrics } from '../../src/telemetry/metrics.ts';
import { startFakeRedis } from './shared/fake-redis.ts';

const SECRET = 's3cr3t-of-redis';

function start(redisUrl: string | undefined) {
  const lines: string[] = [];
  const metrics = makeMetrics();
  const parts = makeLimitsParts({
    config: { limits: { redisUrl, fallback: 'local', leaseSeconds: 60 } },
    log: makeLogger({ level: 'info', pretty: false, destination: { write: (line: string) => void lines.push(line) } }),
    metrics,
    clock: () => new Date(),
  });
  onTestFinished(() => parts.close());
  return { parts, lines, page: () => metrics.registry.metrics() };
}

const request = {
  organizationId: 'org_acme',
  keyId: 'api_key_1',
  limits: { rate: { limit: 9, windowSeconds: 60 }, organizationRate: undefined, concurrency: undefined },
  cost: 1,
  lease: false,
};

describe('limits', () => {
  test('counts in this process without Redis, and has no gauge of sharing', async () => {
    const { parts, lines, page } = start(undefined);
    await parts.ready;
    expect(parts.limiter.take(request)).toMatchObject({ refused: undefined, enforcement: 'local' });
    expect(await page()).not.toContain('latchkey_limits_shared');
    expect(lines).toEqual([]);
  });

  test('logs an unreachable Redis once, without its password, and starts', async () => {
    const { parts, lines, page } = start(`redis://somebody:${SECRET}@127.0.0.1:1/0`);
    await parts.ready;
    expect(await parts.limiter.take(request)).toMatchObject({ refused: undefined, enforcement: 'local' });
    expect(await page()).toContain('\nlatchkey_limits_shared 0\n');
    expect(lines.map((line) => JSON.parse(line) as unknown)).toMatchObject([
      {
        level: 'warn',
        redis: '127.0.0.1:1',
        reason: 'ECONNREFUSED',
        fallback: 'local',
        msg: 'Redis connection lost; limits fall back',
      },
    ]);
    expect(lines.join('')).not.toMatch(/s3cr3t|somebody/);
  });

  test('logs, counts and shows each loss and return of Redis once', async () => {
    const redis = await startFakeRedis();
    const { parts, lines, page } = start(redis.url);
    await parts.ready;
    expect(await parts.limiter.take(request)).toMatchObject({ enforcement: 'shared' });
    expect(await page()).toContain('\nlatchkey_limits_shared 1\n');
    redis.answer = '-LOADING Redis is loading the dataset in memory\r\n';
    for (let i = 0; i < 20; i++) expect(await parts.limiter.take(request)).toMatchObject({ enforcement: 'local' });
    expect(await page()).toContain('\nlatchkey_limits_shared 0\n');
    redis.passes();
    await expect.poll(page, { timeout: 10_000 }).toContain('\nlatchkey_limits_shared 1\n');
    expect(await parts.limiter.take(request)).toMatchObject({ enforcement: 'shared' });
    expect(await page()).toContain('latchkey_limits_changes_total{to="shared"} 2\n');
    expect(await page()).toContain('latchkey_limits_changes_total{to="lost"} 1\n');
    expect(lines.map((line) => (JSON.parse(line) as { level: string }).level)).toEqual(['info', 'warn', 'info']);
  });
});
