import express from 'express';
import type { Request, Response } from 'express';
import type { IncomingMessage } from 'node:http';
import { AppError } from '../../errors.ts';
import type { SignedAccess } from '../route.ts';

export const MAX_BODY_BYTES = 64 * 1024;
/** Webhooks may be long: an organization may have many domains. */
export const MAX_SIGNED_BODY_BYTES = 256 * 1024;

// Compressed bodies are refused: 64 KiB need no compression, and no bomb is unpacked.
const jsonParser = (limit: number) => express.json({ limit, inflate: false, strict: false, type: () => true });
const parseUsual = jsonParser(MAX_BODY_BYTES);
const BYTE_ORDER_MARK = '\uFEFF';
const readBytes = express.raw({ limit: MAX_SIGNED_BODY_BYTES, inflate: false, type: () => true });

// Bodies of the few requests that a fast path has read and passed on.
const readBodies = new WeakMap<IncomingMessage, Buffer>();

/** Remembers a body that a fast path has read, for the route. */
export function keepReadBody(req: IncomingMessage, bytes: Buffer): void {
  readBodies.set(req, bytes);
}

/** Parses UTF-8 JSON as Express does, without a byte order mark. @throws SyntaxError */
export function parseJson(bytes: Buffer): unknown {
  const text = bytes.toString('utf8');
  return JSON.parse(text.startsWith(BYTE_ORDER_MARK) ? text.slice(1) : text);
}

/**
 * Reads a JSON body of at most `limit` bytes.
 * @throws AppError `unsupported_media_type`, `payload_too_large`, or `validation_error` if it is no JSON
 */
export async function readJsonBody(req: Request, res: Response, limit = MAX_BODY_BYTES): Promise<unknown> {
  if (!hasBody(req)) return undefined;
  // Checked before: the parser answers only after it has read the whole body.
  refuseLargeBody(req, limit);
  if (!req.is('application/json')) {
    throw new AppError('unsupported_media_type', 'Send the body as application/json.');
  }
  const bytes = readBodies.get(req);
  if (bytes) return parsedOrRefused(bytes);
  await new Promise<void>((resolve, reject) => {
    const parse = limit === MAX_BODY_BYTES ? parseUsual : jsonParser(limit);
    parse(req, res, (error?: unknown) => (error ? reject(fromBodyParser(error, limit)) : resolve()));
  });
  return req.body;
}

function unsigned(code: 'credential_missing' | 'credential_invalid', message: string): AppError {
  return new AppError(code, message, { details: { credential: 'signature' } });
}

/**
 * Reads a body of at most 256 KiB and verifies its signature before anything is parsed.
 * @returns a function that parses the body
 * @throws AppError `credential_missing`, `credential_invalid`, `payload_too_large`
 */
export async function readSignedBody(req: Request, res: Response, access: SignedAccess): Promise<() => unknown> {
  const headers = access.schemes.map(({ header }) => header);
  const signature = headers.map((name) => req.get(name)).find((value) => value);
  if (!signature) throw unsigned('credential_missing', `Send a signature in the header ${headers.join(' or ')}.`);
  refuseLargeBody(req, MAX_SIGNED_BODY_BYTES);
  await new Promise<void>((resolve, reject) => {
    readBytes(req, res, (error?: unknown) =>
      error ? reject(fromBodyParser(error, MAX_SIGNED_BODY_BYTES)) : resolve(),
    );
  });
  const body: unknown = req.body;
  const bytes = Buffer.isBuffer(body) ? body : Buffer.alloc(0);
  if (!(await access.verify(bytes, signature, (name) => req.get(name)))) {
    throw unsigned('credential_invalid', 'The signature does not match this body, or is too old.');
  }
  return () => {
    if (!req.is('application/json')) throw new AppError('unsupported_media_type', 'Send the body as application/json.');
    return parsedOrRefused(bytes);
  };
}

function parsedOrRefused(bytes: Buffer): unknown {
  try {
    return parseJson(bytes);
  } catch (error) {
    throw notJson(error);
  }
}

/** Refuses a large body, also on a route that takes none. */
export function refuseLargeBody(req: Request, limit = MAX_BODY_BYTES): void {
  if (Number(req.headers['content-length'] ?? 0) > limit) throw tooLarge(limit);
}

function hasBody(req: Request): boolean {
  return req.headers['transfer-encoding'] !== undefined || Number(req.headers['content-length'] ?? 0) > 0;
}

function tooLarge(limit: number, cause?: unknown): AppError {
  return new AppError('payload_too_large', `The body may have at most ${limit} bytes.`, { cause });
}

function notJson(cause: unknown): AppError {
  const details = { fields: { body: 'This is not valid JSON.' } };
  return new AppError('validation_error', 'The request is not valid.', { cause, details });
}

function fromBodyParser(error: unknown, limit = MAX_BODY_BYTES): unknown {
  const status = error instanceof Error && 'status' in error ? error.status : undefined;
  if (status === 413) return tooLarge(limit, error);
  if (status === 415) return new AppError('unsupported_media_type', 'Send plain UTF-8 JSON.', { cause: error });
  return status === 400 ? notJson(error) : error;
}
