import { defineConfig } from 'vitest/config';

/** The plans of every statement, on a database of `EXPLAIN_KEYS` keys; needs a PostgreSQL server. */
export default defineConfig({
  root: new URL('../..', import.meta.url).pathname,
  test: {
    include: ['test/plans/**/*.test.ts'],
    globalSetup: ['./test/support/global-setup.ts'],
    testTimeout: 1_800_000,
    hookTimeout: 60_000,
    maxWorkers: 1,
  },
});
