import express from 'express';
import type { Request, Response } from 'express';
import { AppError } from '../errors.ts';

export const MAX_BODY_BYTES = 64 * 1024;

// Compressed bodies are refused: inside 64 KiB nobody needs them, and a bomb cannot be unpacked.
const parseJson = express.json({ limit: MAX_BODY_BYTES, inflate: false, strict: false, type: () => true });

/**
 * Reads a JSON body of at most 64 KiB.
 * @throws AppError `unsupported_media_type`, `payload_too_large`, or `validation_error` when it is no JSON.
 */
export async function readJsonBody(req: Request, res: Response): Promise<unknown> {
  if (!hasBody(req)) return undefined;
  // The parser would answer only after it has read all that was announced.
  refuseLargeBody(req);
  if (!req.is('application/json')) {
    throw new AppError('unsupported_media_type', 'Send the body as application/json.');
  }
  await new Promise<void>((resolve, reject) => {
    parseJson(req, res, (error?: unknown) => (error ? reject(fromBodyParser(error)) : resolve()));
  });
  return req.body;
}

/** Refuses a body too large to be ignored on a route that takes none. */
export function refuseLargeBody(req: Request): void {
  if (Number(req.headers['content-length'] ?? 0) > MAX_BODY_BYTES) throw tooLarge();
}

function hasBody(req: Request): boolean {
  return req.headers['transfer-encoding'] !== undefined || Number(req.headers['content-length'] ?? 0) > 0;
}

function tooLarge(cause?: unknown): AppError {
  return new AppError('payload_too_large', `The body may have at most ${MAX_BODY_BYTES} bytes.`, { cause });
}

function fromBodyParser(error: unknown): unknown {
  const status = error instanceof Error && 'status' in error ? error.status : undefined;
  if (status === 413) return tooLarge(error);
  if (status === 415) return new AppError('unsupported_media_type', 'Send plain UTF-8 JSON.', { cause: error });
  if (status === 400) {
    const details = { fields: { body: 'This is not valid JSON.' } };
    return new AppError('validation_error', 'The request is not valid.', { cause: error, details });
  }
  return error;
}
