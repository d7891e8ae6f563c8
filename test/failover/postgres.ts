import { execFile, execFileSync } from 'node:child_process';
import { appendFileSync, mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, statfsSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll } from 'vitest';
import { freePort } from '../process/start.ts';

const run = promisify(execFile);
const INSTALLED = '/usr/lib/postgresql';
/** The server refuses to run as root. */
export const OWNER = 'postgres';

export type Postgres = Awaited<ReturnType<typeof startPrimary>>;

/** Where the newest PostgreSQL of this machine has its programs. */
export function binaries(): string {
  const [newest] = readdirSync(INSTALLED).toSorted((a, b) => Number(b) - Number(a));
  if (newest === undefined) throw new Error(`these tests need PostgreSQL's programs below ${INSTALLED}`);
  return join(INSTALLED, newest, 'bin');
}

function asOwner(program: string, args: readonly string[]) {
  const command = join(binaries(), program);
  return process.getuid?.() === 0 ? run('runuser', ['-u', OWNER, '--', command, ...args]) : run(command, [...args]);
}

/** A primary of the test's own, gone afterwards. A process may be killed; the machine is not, so nothing is flushed. */
export async function startPrimary(settings: readonly string[] = []) {
  const { folder, port } = await place();
  await asOwner('initdb', ['--pgdata', join(folder, 'data'), '--username=postgres', '--auth=trust', '--no-sync']);
  return start(folder, port, settings);
}

/**
 * A primary whose tables or WAL are on a disk of so many megabytes, which only root can make, and a way to fill it. Its WAL
 * cannot be archived, so that none is given back: else the server makes room by a restart.
 */
export async function startPrimaryOnSmallDisk(megabytes: number, holds: 'tables' | 'wal') {
  const { folder, port } = await place();
  const [data, wal] = [join(folder, 'data'), join(folder, 'wal')];
  const disk = holds === 'wal' ? wal : data;
  mkdirSync(disk);
  execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${megabytes}m,mode=700,uid=${OWNER},gid=${OWNER}`, 'tmpfs', disk]);
  const server = prepare(folder, port, [
    'min_wal_size=2MB',
    'wal_keep_size=0',
    'archive_mode=on',
    'archive_command=false',
  ]);
  afterAll(() => {
    server.kill();
    execFileSync('umount', [disk]);
  });
  const usual = ['--username=postgres', '--auth=trust', '--no-sync', '--wal-segsize=1'];
  await asOwner('initdb', ['--pgdata', data, '--waldir', wal, ...usual]);
  await server.begin();
  // PostgreSQL leaves files alone that it does not know.
  const ballast = join(disk, 'ballast');
  return {
    ...server,
    fill(): void {
      // The server takes room meanwhile.
      const { bavail, bsize } = statfsSync(disk);
      for (let pages = 0; pages <= bavail; pages++) if (!appendPage(ballast, bsize)) return;
    },
    makeRoom: () => rmSync(ballast),
  };
}

/**
 * A primary, a server beside it that is not running, on which a backup is restored, and a folder for backups. They are placed
 * now, because a test that runs can register nothing that ends them.
 */
export async function startPrimaryWithBackups() {
  const [{ folder: backups }, copy] = [await place(), await place()];
  afterAll(() => rmSync(backups, { recursive: true, force: true }));
  const primary = await startPrimary();
  const wal = join(backups, 'wal');
  mkdirSync(wal);
  if (process.getuid?.() === 0) execFileSync('chown', [OWNER, wal]);
  /** The files of WAL in the archive. */
  const archived = () => readdirSync(wal);
  return { primary, restored: prepare(copy.folder, copy.port, []), backups, archived };
}

/** A standby that streams from a primary, as `name`. */
export async function startStandby(primary: Pick<Postgres, 'port'>, name: string) {
  const { folder, port } = await place();
  const from = `host=127.0.0.1 port=${primary.port} user=postgres application_name=${name}`;
  const data = join(folder, 'data');
  await asOwner('pg_basebackup', ['--pgdata', data, '--dbname', from, '--checkpoint=fast', '-R', '--no-sync']);
  return start(folder, port, []);
}

async function place() {
  const folder = mkdtempSync(join(tmpdir(), 'latchkey-failover-'));
  if (process.getuid?.() === 0) execFileSync('chown', [OWNER, folder]);
  return { folder, port: await freePort() };
}

/** @returns whether the disk had room for it */
function appendPage(file: string, bytes: number): boolean {
  try {
    appendFileSync(file, Buffer.alloc(bytes));
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOSPC') throw error;
    return false;
  }
}

async function start(folder: string, port: number, settings: readonly string[]) {
  const server = prepare(folder, port, settings);
  await server.begin();
  return server;
}

/** A server that is not running yet. */
function prepare(folder: string, port: number, settings: readonly string[]) {
  const data = join(folder, 'data');
  const more = settings.map((setting) => ` -c ${setting}`).join('');
  const options = `-p ${port} -k ${folder} -c listen_addresses=* -c fsync=off -c max_connections=200 -c wal_keep_size=64MB${more}`;
  const control = (...args: string[]) => asOwner('pg_ctl', ['--pgdata', data, '--wait', ...args]);
  const begin = () => control('--log', join(folder, 'log'), '--options', options, 'start');
  const pid = () => Number(readFileSync(join(data, 'postmaster.pid'), 'utf8').split('\n')[0]);

  /** The server and everything that it started, which live on for a moment without it. */
  function kill(): void {
    const parent = pid();
    const children = childrenOf(parent);
    for (const each of [parent, ...children]) signal(each, 'SIGKILL');
  }

  afterAll(async () => {
    await control('--mode=immediate', 'stop').catch(() => undefined);
    rmSync(folder, { recursive: true, force: true, maxRetries: 5 });
  });
  return {
    port,
    data,
    url: `postgres://postgres@127.0.0.1:${port}/postgres`,
    kill,
    stop: () => control('--mode=fast', 'stop'),
    begin,
    /** Accepts connections from these addresses. */
    async admit(network: string): Promise<void> {
      appendFileSync(join(data, 'pg_hba.conf'), `host all all ${network} trust\n`);
      await control('reload');
    },
    promote: () => control('promote'),
    /** Stops the process that takes what the primary sends; killed, it takes what was sent in the meantime with it. */
    signalReceiver(name: 'SIGSTOP' | 'SIGKILL'): void {
      for (const each of childrenOf(pid()))
        if (readFileSync(`/proc/${each}/cmdline`, 'utf8').includes('walreceiver')) signal(each, name);
    },
  };
}

function childrenOf(parent: number): number[] {
  return readFileSync(`/proc/${parent}/task/${parent}/children`, 'utf8').trim().split(' ').filter(Boolean).map(Number);
}

function signal(pid: number, name: NodeJS.Signals): void {
  try {
    process.kill(pid, name);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
  }
}
