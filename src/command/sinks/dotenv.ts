import { randomBytes } from 'node:crypto';
import { access, constants, open, readFile, rename, rm, stat } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import type { Sink } from './sink.ts';

const PLACE = /^(.+):([A-Za-z_][A-Za-z0-9_]*)$/;

/** `FILE:NAME`: a variable of a .env file, which is replaced where it is there. */
export function dotenvSink(place: string): Sink {
  const [, path, name] = PLACE.exec(place) ?? [];
  if (path === undefined || name === undefined) throw new Error(`--dotenv needs FILE:NAME, such as .env:ACME_API_KEY.`);
  return {
    name: `${name} in ${path}`,
    check: async () => {
      await readText(path);
      await access(dirname(path), constants.W_OK);
    },
    put: async (secret) => replace(path, withVariable(await readText(path), name, secret)),
  };
}

/** Sets a variable, and leaves every other line as it is. */
function withVariable(text: string, name: string, value: string): string {
  const line = `${name}=${value}`;
  const old = new RegExp(`^(?:export\\s+)?${name}\\s*=.*$`, 'm');
  if (old.test(text)) return text.replace(old, () => line);
  return `${text}${text === '' || text.endsWith('\n') ? '' : '\n'}${line}\n`;
}

async function readText(path: string): Promise<string> {
  return readFile(path, 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return '';
    throw error;
  });
}

/** Replaces a file at once, so that no reader and no full disk leaves half of it. */
async function replace(path: string, text: string): Promise<void> {
  const mode = await stat(path).then(
    (found) => found.mode & 0o777,
    () => 0o600,
  );
  const draft = join(dirname(path), `.${basename(path)}.${randomBytes(8).toString('hex')}`);
  const file = await open(draft, 'wx', mode);
  try {
    await file.writeFile(text);
    await file.sync();
    await rename(draft, path);
  } catch (error) {
    await rm(draft, { force: true });
    throw error;
  } finally {
    await file.close();
  }
}
