import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    exclude: [
      'test/**/node_modules/**',
      'test/doctor/**',
      'test/server/**',
      'test/process/**',
      'test/faults/**',
      'test/plans/**',
    ],
    globalSetup: ['./test/support/global-setup.ts'],
    setupFiles: ['./test/support/property-seed.ts'],
    testTimeout: 20_000,
    hookTimeout: 30_000,
    // Two more than the cores that CI has: much of a test of failures is waiting for a deadline.
    maxWorkers: 4,
    // Most of a file's time is loading the service; nothing in it keeps state in a module, so files may share it.
    isolate: false,
  },
});
