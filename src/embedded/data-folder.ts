import { randomBytes } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { StartError } from '../errors.ts';

const SQLITE_BUSY = 5;

/**
 * Holds a data folder for this process, until it ends however it ends: the lock is the operating system's, on a file
 * that SQLite keeps open. The embedded database takes none of its own and two processes would lose each other's rows.
 * @throws StartError when another process holds it, or it cannot be written
 */
export function holdDataFolder(folder: string): { release(): void } {
  const lock = openLock(folder);
  try {
    lock.exec('pragma journal_mode = delete; begin exclusive');
  } catch (error) {
    lock.close();
    if ((error as { errcode?: unknown }).errcode !== SQLITE_BUSY) throw unusable(folder, error);
    throw new StartError(`Another Latchkey already runs on the data folder ${folder}.`, { cause: error });
  }
  return { release: () => lock.close() };
}

function openLock(folder: string): DatabaseSync {
  try {
    mkdirSync(folder, { recursive: true, mode: 0o700 });
    return new DatabaseSync(join(folder, 'lock.sqlite'));
  } catch (error) {
    throw unusable(folder, error);
  }
}

function unusable(folder: string, error: unknown): StartError {
  return new StartError(`The data folder ${folder} cannot be used: ${(error as Error).message}`, { cause: error });
}

/**
 * A secret that is made at the first start and kept in the folder, readable to this user alone. 64 characters.
 * @throws StartError when it cannot be kept
 */
export function keptSecret(folder: string, name: string): string {
  const path = join(folder, name);
  const isNew = !existsSync(path);
  try {
    if (isNew) writeFileSync(path, randomBytes(32).toString('hex'), { mode: 0o600, flag: 'wx' });
    return readFileSync(path, 'utf8');
  } catch (error) {
    // Half a secret would be taken for one at the next start.
    if (isNew) rmSync(path, { force: true });
    throw unusable(folder, error);
  }
}
