import { execFile, execFileSync, spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, readdirSync, rmSync } from 'node:fs';
import { createServer, connect } from 'node:net';
import type { AddressInfo, Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import { connectDatabase } from '../../src/db/connect.ts';
import { migrate } from '../../src/db/migrations.ts';
import type { Lifetime } from '../../src/process/shutdown.ts';
import { freePort } from '../start-server.ts';

const run = promisify(execFile);
const INSTALLED = '/usr/lib/postgresql';
/** The server refuses to run as root. */
const OWNER = 'postgres';
const STREAM_TRIES = 100;
const TICKS_PER_SECOND = 100;
const STREAM_PAUSE_MS = 50;

export type OwnServer = {
  url: string;
  port: number;
  folder: string;
  /** The CPU seconds that its processes have used; undefined where there is no `/proc`. */
  cpuSeconds: () => number | undefined;
};

/** Whether this machine has PostgreSQL's programs. */
export const canOwnServer = (): boolean => existsSync(INSTALLED);

/** Starts a PostgreSQL of the benchmark's own, with Latchkey's schema; it is gone when the lifetime ends. */
export async function startOwnServer(lifetime: Lifetime): Promise<OwnServer> {
  const folder = mkdtempSync(join(tmpdir(), 'latchkey-bench-'));
  if (isRoot()) execFileSync('chown', [OWNER, folder]);
  lifetime.onEnd(() => rmSync(folder, { recursive: true, force: true, maxRetries: 5 }));
  const data = join(folder, 'data');
  const port = await freePort();
  await runAsOwner('initdb', ['--pgdata', data, '--username=postgres', '--auth=trust', '--no-sync']);
  const options = `-p ${port} -k ${folder} -c listen_addresses=127.0.0.1 -c max_connections=300`;
  const log = join(folder, 'log');
  await runAsOwner('pg_ctl', ['--pgdata', data, '--wait', '--log', log, '--options', options, 'start']);
  lifetime.onEnd(() => runAsOwner('pg_ctl', ['--pgdata', data, '--mode=immediate', 'stop']));
  const url = `postgres://postgres@127.0.0.1:${port}/postgres`;
  const db = connectDatabase({ url, poolMax: 1, statementTimeoutMs: null });
  await migrate(db);
  await db.destroy();
  return {
    url,
    port,
    folder,
    cpuSeconds: () => cpuSecondsOf(Number(readFileSync(join(data, 'postmaster.pid'), 'utf8').split('\n')[0])),
  };
}

/** Lets each commit wait until a standby has written it, whose confirmations take so long to arrive. */
export async function addDistantStandby(lifetime: Lifetime, server: OwnServer, delayMs: number): Promise<void> {
  const port = await startDelay(lifetime, server.port, delayMs);
  const wal = join(server.folder, 'wal');
  execFileSync('mkdir', ['-m', '777', wal]);
  const from = `host=127.0.0.1 port=${port} user=postgres application_name=standby`;
  const [program, ...args] = asOwner('pg_receivewal', ['-D', wal, '--synchronous', '--no-loop', '-d', from]);
  const child = spawn(program, args, { stdio: 'ignore' });
  lifetime.onEnd(() => void child.kill('SIGTERM'));
  const db = connectDatabase({ url: server.url, poolMax: 1 });
  try {
    await isStreaming(async () => {
      const { rows } = await db.raw<{ rows: object[] }>(
        "select from pg_stat_replication where application_name = 'standby' and state = 'streaming'",
      );
      return rows.length > 0;
    });
    await db.raw("alter system set synchronous_standby_names = 'standby'");
    await db.raw('select pg_reload_conf()');
  } finally {
    await db.destroy();
  }
}

/** Sums up a process and its children, which live on between two looks. */
function cpuSecondsOf(parent: number): number | undefined {
  try {
    const children = readFileSync(`/proc/${parent}/task/${parent}/children`, 'utf8').trim().split(' ');
    return [String(parent), ...children].reduce((sum, pid) => sum + ticksOf(pid) / TICKS_PER_SECOND, 0);
  } catch {
    return undefined;
  }
}

function ticksOf(pid: string): number {
  // After the name, which may have spaces: user and system time are the 12th and 13th field.
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8')
    .replace(/^.*\) /s, '')
    .split(' ');
  return Number(fields[11]) + Number(fields[12]);
}

async function isStreaming(look: () => Promise<boolean>): Promise<void> {
  for (let i = 0; i < STREAM_TRIES; i++) {
    if (await look()) return;
    await sleep(STREAM_PAUSE_MS);
  }
  throw new Error('the standby does not stream');
}

/** Starts a TCP proxy that passes on late what clients send. @returns its port */
async function startDelay(lifetime: Lifetime, to: number, delayMs: number): Promise<number> {
  const sockets = new Set<Socket>();
  const server = createServer((client) => {
    const upstream = connect(to, '127.0.0.1');
    for (const socket of [client.setNoDelay(true), upstream.setNoDelay(true)]) {
      sockets.add(socket);
      socket.on('error', () => socket.destroy()).once('close', () => sockets.delete(socket));
    }
    upstream.pipe(client);
    client.on('data', (data) => void setTimeout(() => upstream.write(data), delayMs));
    client.once('close', () => upstream.destroy());
  });
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve);
  });
  lifetime.onEnd(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  return (server.address() as AddressInfo).port;
}

const isRoot = () => process.getuid?.() === 0;

function asOwner(program: string, args: readonly string[]): [string, ...string[]] {
  const [newest] = readdirSync(INSTALLED).toSorted((a, b) => Number(b) - Number(a));
  const command = join(INSTALLED, newest!, 'bin', program);
  return isRoot() ? ['runuser', '-u', OWNER, '--', command, ...args] : [command, ...args];
}

async function runAsOwner(program: string, given: readonly string[]): Promise<void> {
  const [command, ...args] = asOwner(program, given);
  await run(command, args);
}
