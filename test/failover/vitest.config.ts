import { defineConfig } from 'vitest/config';

/**
 * Failovers of real servers: PostgreSQL with streaming replication, Redis with Sentinel, processes of Latchkey. Needs
 * the programs of PostgreSQL, and, as root, `runuser`, `ip` and `iptables`. One file at a time: they measure time.
 */
export default defineConfig({
  test: {
    include: ['test/failover/**/*.failover.ts'],
    testTimeout: 120_000,
    hookTimeout: 90_000,
    fileParallelism: false,
  },
});
