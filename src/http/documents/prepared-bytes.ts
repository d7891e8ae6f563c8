import { createHash } from 'node:crypto';
import { promisify } from 'node:util';
import { constants, gunzip, gzip } from 'node:zlib';
import type { Request, Response } from 'express';

/** An answer that is the same for every client: made once, and sent from the same bytes. */
export type Prepared = {
  type: string;
  cacheControl: string;
  etag: string;
  gzipped: Buffer;
  plain: () => Promise<Buffer>;
};

const compress = promisify(gzip);
const uncompress = promisify(gunzip);

/** Keeps the bytes compressed only; they are uncompressed for the rare client that takes no gzip. */
export async function prepareBytes(
  bytes: Buffer,
  { type, cacheControl }: Pick<Prepared, 'type' | 'cacheControl'>,
): Promise<Prepared> {
  const etag = `"${createHash('sha256').update(bytes).digest('base64url').slice(0, 27)}"`;
  const gzipped = await compress(bytes, { level: constants.Z_BEST_COMPRESSION });
  let plain: Promise<Buffer> | undefined;
  return { type, cacheControl, etag, gzipped, plain: () => (plain ??= uncompress(gzipped)) };
}

/** Sends the answer, or 304 if the client has it. Ignores ranges and other preconditions, as HTTP allows. */
export async function sendPrepared(req: Request, res: Response, prepared: Prepared): Promise<void> {
  const { type, cacheControl, etag, gzipped } = prepared;
  res.setHeader('cache-control', cacheControl);
  res.setHeader('etag', etag);
  res.vary('accept-encoding');
  if (hasTag(req.headers['if-none-match'], etag)) {
    res.status(304).end();
    return;
  }
  const isGzipTaken = req.acceptsEncodings('gzip', 'identity') === 'gzip';
  const bytes = isGzipTaken ? gzipped : await prepared.plain();
  res.setHeader('content-type', type);
  if (isGzipTaken) res.setHeader('content-encoding', 'gzip');
  res.setHeader('content-length', bytes.length);
  res.end(req.method === 'HEAD' ? undefined : bytes);
}

function hasTag(ifNoneMatch: string | undefined, etag: string): boolean {
  if (ifNoneMatch === undefined) return false;
  return ifNoneMatch.split(',').some((each) => each.trim() === '*' || each.trim().replace(/^W\//, '') === etag);
}
