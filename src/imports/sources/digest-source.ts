import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { pipeline } from 'node:stream/promises';

/** Returns the SHA-256 of a file and of what else decides how it is read. */
export async function digestSource(path: string, beside: readonly string[]): Promise<Buffer> {
  const hash = createHash('sha256');
  for (const text of beside) hash.update(`${text.length}:${text}`);
  await pipeline(createReadStream(path), hash);
  return hash.digest();
}
