import { defineConfig } from 'vitest/config';

/** What needs a real PostgreSQL server (`TEST_DATABASE_URL`), nginx and Caddy; everything else runs with `npm test`. */
export default defineConfig({
  test: {
    include: ['test/server/**/*.test.ts'],
    globalSetup: ['./test/support/global-setup.ts'],
    testTimeout: 30_000,
    hookTimeout: 30_000,
    maxWorkers: 2,
  },
});
