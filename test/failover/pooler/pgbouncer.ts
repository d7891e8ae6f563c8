import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll } from 'vitest';
import { freePort } from '../../process/start.ts';
import { startChild } from '../../support/child.ts';
import type { Child } from '../../support/child.ts';
import { answers } from '../cluster.ts';

/** What docs/how-to/connect-through-pgbouncer.md says, in front of one server. */
const SETTINGS = `
pool_mode = transaction
ignore_startup_parameters = statement_timeout, idle_in_transaction_session_timeout
`;
const CONNECT_QUERY = 'set statement_timeout = 5000; set idle_in_transaction_session_timeout = 5000';
/** It refuses to run as root. */
const OWNER = 'postgres';

/** Starts PgBouncer in transaction mode; it can be killed and begun again. */
export async function startPgbouncer(database: { port: number }, { poolSize }: { poolSize: number }) {
  const folder = mkdtempSync(join(tmpdir(), 'latchkey-pgbouncer-'));
  if (process.getuid?.() === 0) execFileSync('chown', [OWNER, folder]);
  const port = await freePort();
  const file = join(folder, 'pgbouncer.ini');
  const server = `postgres = host=127.0.0.1 port=${database.port} user=postgres connect_query='${CONNECT_QUERY}'`;
  const own = `listen_addr = 127.0.0.1\nlisten_port = ${port}\nunix_socket_dir =\nauth_type = any\ndefault_pool_size = ${poolSize}`;
  writeFileSync(file, `[databases]\n${server}\n[pgbouncer]\n${own}${SETTINGS}`);
  const url = `postgres://postgres@127.0.0.1:${port}/postgres`;
  let child: Child | undefined;

  async function begin(): Promise<void> {
    const [program, ...args]: [string, ...string[]] =
      process.getuid?.() === 0 ? ['runuser', '-u', OWNER, '--', 'pgbouncer'] : ['pgbouncer'];
    child = startChild(program, [...args, '-q', file]);
    await answers({ url });
  }

  async function kill(): Promise<void> {
    child?.kill('SIGKILL');
    await child?.exited;
  }

  afterAll(async () => {
    await kill();
    rmSync(folder, { recursive: true, force: true });
  });
  await begin();
  return { url, begin, kill };
}
