import { access, constants, open, rm, stat } from 'node:fs/promises';
import { dirname } from 'node:path';
import type { Sink } from './sink.ts';

/** A file that does not exist yet, and that its owner alone can read. */
export function fileSink(path: string): Sink {
  return {
    name: `the file ${path}`,
    check: async () => {
      const there = await stat(path).catch(() => undefined);
      if (there) throw new Error(`${path} exists. Delete it, or choose another file.`);
      await access(dirname(path), constants.W_OK);
    },
    put: async (secret) => {
      const file = await open(path, 'wx', 0o600);
      try {
        await file.writeFile(`${secret}\n`);
        await file.sync();
      } catch (error) {
        await rm(path, { force: true });
        throw error;
      } finally {
        await file.close();
      }
    },
  };
}
