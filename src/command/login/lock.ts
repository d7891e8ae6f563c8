import { mkdir, open, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { Context } from '../context.ts';
import { CommandFailure, EXIT } from '../failure.ts';

const PAUSE_MS = 100;
const TRIES = 150;
/** A holder that is older than this has died: no renewal takes as long. */
const ABANDONED_MS = 60_000;

/** Runs `work` while no other command of this user changes the credentials. */
export async function withLock<T>(context: Context, work: () => Promise<T>): Promise<T> {
  await mkdir(context.folder, { recursive: true, mode: 0o700 });
  const path = join(context.folder, 'credentials.lock');
  await take(context, path);
  try {
    return await work();
  } finally {
    await rm(path, { force: true });
  }
}

async function take({ sleep, now, signal }: Context, path: string): Promise<void> {
  for (let i = 0; i < TRIES; i++) {
    signal.throwIfAborted();
    try {
      await (await open(path, 'wx', 0o600)).close();
      return;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
    }
    const age = await stat(path).then(
      ({ mtimeMs }) => now().getTime() - mtimeMs,
      () => 0,
    );
    if (age > ABANDONED_MS) await rm(path, { force: true });
    else await sleep(PAUSE_MS);
  }
  throw new CommandFailure(EXIT.failed, `Another command holds ${path}. Delete it if none runs.`);
}
