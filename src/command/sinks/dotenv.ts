import { access, constants, readFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { replaceFile } from '../replace-file.ts';
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
    put: async (secret) => replaceFile(path, withVariable(await readText(path), name, secret)),
  };
}

/** Sets a variable, and leaves every other line as it is. */
export function withVariable(text: string, name: string, value: string): string {
  const line = `${name}=${value}`;
  const old = new RegExp(`^(?:export\\s+)?${name}\\s*=.*$`, 'm');
  if (old.test(text)) return text.replace(old, () => line);
  return `${text}${text === '' || text.endsWith('\n') ? '' : '\n'}${line}\n`;
}

export async function readText(path: string): Promise<string> {
  return readFile(path, 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return '';
    throw error;
  });
}
