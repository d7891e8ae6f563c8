import { defineConfig } from 'vitest/config';

/** `npm run test:doctor`: the examination of a WorkOS, once against each profile of the local one. */
export default defineConfig({
  root: new URL('../..', import.meta.url).pathname,
  test: {
    include: ['test/doctor/**/*.test.ts'],
    testTimeout: 60_000,
    hookTimeout: 60_000,
  },
});
