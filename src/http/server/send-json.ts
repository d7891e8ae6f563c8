import type { Request, Response } from 'express';
import { promisify } from 'node:util';
import { gzip } from 'node:zlib';

/** Shorter answers fit the first packets of a connection anyway, and are not compressed. */
export const COMPRESSED_FROM_BYTES = 2_000;

const compress = promisify(gzip);

/**
 * Sends an answer as JSON: compressed if it is a long one that was read. What a request changes may be answered with a
 * secret, and a secret beside text that others choose is never compressed: its length would say something of it.
 */
export async function sendJson(req: Request, res: Response, status: number, answer: unknown): Promise<void> {
  res.status(status);
  const bytes = req.method === 'GET' ? Buffer.from(JSON.stringify(answer)) : undefined;
  if (!bytes || bytes.length < COMPRESSED_FROM_BYTES) return void res.json(answer);
  res.vary('accept-encoding').type('json');
  if (req.acceptsEncodings('gzip', 'identity') !== 'gzip') return void res.send(bytes);
  res.setHeader('content-encoding', 'gzip');
  res.send(await compress(bytes));
}
