import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import type { Response } from 'express';
import { z } from 'zod';

/** The pieces of an answer, made one after the other as the client reads. */
export type CsvStream = AsyncIterable<string>;

/** The response schema of a CSV file; the handler returns a `CsvStream`. */
export const CsvAnswer = z
  .custom<CsvStream>((value) => typeof value === 'object' && value !== null && Symbol.asyncIterator in value)
  .meta({ override: { type: 'string' }, description: 'CSV as in RFC 4180, in UTF-8, with a line of names first.' });

const HEADERS = { 'content-type': 'text/csv; charset=utf-8; header=present' };

export function isCsv(schema: z.ZodType): boolean {
  return schema === (CsvAnswer as z.ZodType);
}

/**
 * Sends a file. One that cannot be finished ends with a closed connection, by which the client knows.
 * @throws what `pieces` throws
 */
export async function sendCsv(res: Response, method: string, pieces: CsvStream): Promise<void> {
  res.writeHead(200, HEADERS);
  if (method === 'HEAD') {
    res.end();
    return;
  }
  try {
    await pipeline(Readable.from(pieces, { highWaterMark: 1 }), res);
  } catch (error) {
    if (!isLeft(error)) throw error;
  }
}

/** Whether the client has closed the connection. */
function isLeft(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 'ERR_STREAM_PREMATURE_CLOSE';
}
