import { defineConfig } from 'vitest/config';

/** Every answer that WorkOS may fail with, for everything that is asked of it; most of it is waiting for deadlines. */
export default defineConfig({
  root: new URL('../..', import.meta.url).pathname,
  test: {
    include: ['test/faults/**/*.test.ts'],
    globalSetup: ['./test/support/global-setup.ts'],
    testTimeout: 20_000,
    hookTimeout: 30_000,
    maxWorkers: 3,
  },
});
