import { defineConfig } from 'vitest/config';
import type { TestProjectInlineConfiguration } from 'vitest/config';

type Options = NonNullable<TestProjectInlineConfiguration['test']> & { include: string[] };

// A database server whose connections can be cut, or on which the production start runs.
const TEST_DATABASE_URL = process.env['TEST_DATABASE_URL'] ?? 'postgres://postgres@127.0.0.1:5432/postgres';

/**
 * Tests have real servers, processes and deadlines, and CI's machine may stand still for seconds. There a test gets a
 * second try, which the report names; it gets none where a person looks.
 */
const retry = process.env['CI'] === 'true' ? 1 : 0;

const globalSetup = ['./test/support/global-setup.ts'];

/** The whole service in the test's own process, on a database of its own. */
const oneProcess: Omit<Options, 'include'> = {
  globalSetup,
  setupFiles: ['./test/support/property-seed.ts'],
  testTimeout: 60_000,
  hookTimeout: 60_000,
  // More than the cores that CI has: much of a test of failures is waiting for a deadline.
  maxWorkers: 4,
  // Threads share the compiled code of the embedded PostgreSQL; each process compiles its own.
  pool: 'threads',
  // Most of a file's time is loading the service; nothing in it keeps state in a module, so files may share it.
  isolate: false,
};

const projects: Record<string, Options> = {
  unit: {
    include: ['test/**/*.test.ts'],
    exclude: [
      'test/**/node_modules/**',
      'test/**/*.long.test.ts',
      'test/doctor/**',
      'test/server/**',
      'test/process/**',
      'test/faults/**',
      'test/plans/**',
    ],
    ...oneProcess,
  },
  /** What takes some four seconds or more: floods, deadlines that pass, processes that start or die, hundreds of keys. */
  long: { include: ['test/**/*.long.test.ts'], exclude: ['test/**/node_modules/**'], ...oneProcess },
  /** Every answer that WorkOS may fail with, in each operation; most of the time is waiting for deadlines. */
  faults: {
    include: ['test/faults/**/*.test.ts'],
    globalSetup,
    testTimeout: 60_000,
    hookTimeout: 60_000,
    maxWorkers: 3,
  },
  /** The examination of a WorkOS environment, once against each profile of the local WorkOS. */
  doctor: { include: ['test/doctor/**/*.test.ts'], testTimeout: 60_000, hookTimeout: 60_000 },
  /** Processes, and a real PostgreSQL (`TEST_DATABASE_URL`), Redis (`TEST_REDIS_URL`, `redis-server`), nginx and Caddy. */
  server: {
    include: ['test/server/**/*.test.ts', 'test/process/**/*.test.ts'],
    globalSetup,
    testTimeout: 30_000,
    hookTimeout: 30_000,
    maxWorkers: 2,
  },
  /**
   * The console in a real Chromium, at `CHROMIUM_PATH` or where Debian has it; skipped where there is none. With
   * `MEASURE_CONSOLE=1` its speed is measured too, for a machine that does nothing else.
   */
  console: {
    include: ['test/console/*.browser.ts'],
    globalSetup: ['./test/console/build.ts', ...globalSetup],
    testTimeout: 60_000,
    hookTimeout: 60_000,
    maxWorkers: 2,
  },
  /** A thousand organizations, for a machine that does nothing else; the project `server` has a hundred. */
  postures: {
    include: ['test/server/postures.test.ts'],
    globalSetup,
    env: { POSTURE_TENANTS: '1000' },
    hookTimeout: 30_000,
  },
  'database-faults': {
    include: ['test/database-faults/*.faults.ts'],
    globalSetup,
    env: { TEST_DATABASE_URL },
    testTimeout: 60_000,
    hookTimeout: 30_000,
    maxWorkers: 2,
  },
  /** Attacks by strangers on the real processes; `ATTACK_SECONDS` is how long each lasts. One at a time: they measure time. */
  attacks: {
    include: ['test/attacks/*.attack.ts'],
    globalSetup,
    env: { TEST_DATABASE_URL },
    testTimeout: 180_000,
    hookTimeout: 60_000,
    fileParallelism: false,
  },
  /** Keys that other systems have made themselves: Better Auth, on a database of its own. Installs it from a registry. */
  peers: {
    include: ['test/imports/*.peer.ts'],
    globalSetup,
    env: { TEST_DATABASE_URL },
    testTimeout: 120_000,
    hookTimeout: 300_000,
  },
  /** The plans of every statement, on a database of `EXPLAIN_KEYS` keys; needs a PostgreSQL server. */
  plans: {
    include: ['test/plans/**/*.test.ts'],
    globalSetup,
    testTimeout: 1_800_000,
    hookTimeout: 60_000,
    maxWorkers: 1,
  },
  /** What readers paste from the documents, against the embedded start; some of it on `TEST_DATABASE_URL`. */
  documents: {
    include: ['test/documents/*.session.ts'],
    testTimeout: 120_000,
    hookTimeout: 30_000,
  },
  /**
   * Failovers of real servers: PostgreSQL with streaming replication, Redis with Sentinel, processes of Latchkey. Needs
   * the programs of PostgreSQL, and, as root, `runuser`, `ip` and `iptables`. One file at a time: they measure time.
   */
  failover: {
    include: ['test/failover/**/*.failover.ts'],
    testTimeout: 120_000,
    hookTimeout: 90_000,
    fileParallelism: false,
  },
  /**
   * What deploy/ holds, with the tools that operators use. Needs root and packages of Debian: .ci/run names them. One file at a
   * time, because the image's takes both cores.
   */
  deploy: {
    include: ['test/deploy/**/*.deploy.ts'],
    testTimeout: 60_000,
    hookTimeout: 60_000,
    fileParallelism: false,
  },
};

/** Projects run one after another, since each has its own number of workers; `--project` selects one. */
export default defineConfig({
  test: {
    projects: Object.entries(projects).map(([name, options], groupOrder) => ({
      test: {
        ...options,
        name,
        retry,
        experimental: { viteModuleRunner: false, nodeLoader: false },
        sequence: { groupOrder },
      },
    })),
  },
});
