import { randomBytes } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { StartError } from '../errors.ts';

const SQLITE_BUSY = 5;

/**
 * Locks a data folder for this process. The lock is the operating system's, on a file that SQLite holds open, so it ends
 * with the process. The embedded database has no lock, and two processes would lose each other's rows.
 * @throws StartError if another process holds the lock, or the folder cannot be written
 */
export function holdDataFolder(folder: string): { release(): void } {
  const lock = openLock(folder);
  try {
    lock.exec('pragma journal_mode = delete; begin exclusive');
  } catch (error) {
    lock.close();
    if ((error as { errcode?: unknown }).errcode !== SQLITE_BUSY) throw unusable(folder, error);
    throw new StartError(
      `Another Latchkey already runs on the data folder ${folder}. Stop it, or set LATCHKEY_DATA_DIR.`,
      { cause: error },
    );
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
 * Returns a secret of 64 characters from the folder, and creates it at the first start, readable to this user alone.
 * @throws StartError if it cannot be stored
 */
export function storedSecret(folder: string, name: string): string {
  const path = join(folder, name);
  const isNew = !existsSync(path);
  try {
    if (isNew) writeFileSync(path, randomBytes(32).toString('hex'), { mode: 0o600, flag: 'wx' });
    return readFileSync(path, 'utf8');
  } catch (error) {
    // The next start would take half a secret for a whole one.
    if (isNew) rmSync(path, { force: true });
    throw unusable(folder, error);
  }
}
