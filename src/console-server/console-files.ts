import { readFile, readdir } from 'node:fs/promises';
import { extname, join } from 'node:path';
import { prepareBytes } from '../http/documents/prepared-bytes.ts';
import type { Prepared } from '../http/documents/prepared-bytes.ts';

/** Cached for ever: changed content has another name. */
const FOR_EVER = 'public, max-age=31536000, immutable';
/** Cached, and revalidated each time. */
const REVALIDATE = 'no-cache';
const PAGE = 'index.html';
const ASSETS = 'assets';
const ELEMENT = /^latchkey-keys(?:\.[\w-]+)?\.js$/;
const TYPES: Readonly<Record<string, string>> = {
  '.css': 'text/css; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.svg': 'image/svg+xml',
};

/** How the page says to its script that the request had no session. */
const SIGNED_OUT = '<html data-signed-out';

type Files = ReadonlyMap<string, Prepared>;
export type ConsoleFiles = { page: Prepared; signedOutPage: Prepared; assets: Files; elements: Files };

/** Reads and compresses what the console was built to; undefined if it was not built. */
export async function readConsoleFiles(folder: string): Promise<ConsoleFiles | undefined> {
  const html = await readFile(join(folder, PAGE)).catch(ignoreMissing);
  if (!html) return undefined;
  const assets = (await readdir(join(folder, ASSETS))).filter((name) => extname(name) in TYPES);
  const elements = (await readdir(folder)).filter((name) => ELEMENT.test(name));
  const asPage = { type: 'text/html; charset=utf-8', cacheControl: REVALIDATE };
  return {
    page: await prepareBytes(html, asPage),
    signedOutPage: await prepareBytes(Buffer.from(html.toString().replace('<html', SIGNED_OUT)), asPage),
    assets: await readAll(join(folder, ASSETS), assets, FOR_EVER),
    elements: await readAll(folder, elements, REVALIDATE),
  };
}

async function readAll(folder: string, names: readonly string[], cacheControl: string): Promise<Files> {
  const files = names.map(async (name): Promise<[string, Prepared]> => {
    const bytes = await readFile(join(folder, name));
    return [name, await prepareBytes(bytes, { type: TYPES[extname(name)]!, cacheControl })];
  });
  return new Map(await Promise.all(files));
}

function ignoreMissing(error: NodeJS.ErrnoException): undefined {
  if (error.code !== 'ENOENT') throw error;
}
