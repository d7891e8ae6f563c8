import { defineConfig } from 'vitest/config';

/**
 * What needs a real PostgreSQL server (`TEST_DATABASE_URL`), a Redis (`TEST_REDIS_URL`, and `redis-server`), nginx and
 * Caddy, or processes of its own; everything else runs with `npm test`.
 */
export default defineConfig({
  test: {
    include: ['test/server/**/*.test.ts', 'test/process/**/*.test.ts'],
    globalSetup: ['./test/support/global-setup.ts'],
    testTimeout: 30_000,
    hookTimeout: 30_000,
    maxWorkers: 2,
  },
});
