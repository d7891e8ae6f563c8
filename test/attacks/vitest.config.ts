import { defineConfig } from 'vitest/config';

// The production start needs a real server.
process.env['TEST_DATABASE_URL'] ??= 'postgres://postgres@127.0.0.1:5432/postgres';

/** Attacks by strangers on the real processes; `ATTACK_SECONDS` is how long each lasts. */
export default defineConfig({
  root: new URL('../..', import.meta.url).pathname,
  test: {
    include: ['test/attacks/*.attack.ts'],
    globalSetup: ['./test/support/global-setup.ts'],
    testTimeout: 180_000,
    hookTimeout: 60_000,
    // Times are measured.
    fileParallelism: false,
  },
});
