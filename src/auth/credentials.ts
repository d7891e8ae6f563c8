import type { Request } from 'express';
import { AppError } from '../errors.ts';

export type Credential = { source: 'bearer' | 'x-api-key' | 'x-access-token' | 'query'; token: string };
export type Presented = { tokens: Credential[]; cookie: string | undefined };

const MAX_TOKEN_BYTES = 8 * 1024;
const BEARER = /^bearer +(\S+) *$/i;

type Options = {
  /** Keys in the query string, where the route takes them there. */
  keys: readonly string[];
  /** Returns the sealed session of a `Cookie` header. */
  readCookie: (header: string | undefined) => string | undefined;
};

/**
 * Returns every credential of a request; a header that is sent twice counts twice.
 * @throws AppError `credential_invalid` for a header that cannot be a credential
 */
export function readCredentials(req: Request, { keys, readCookie }: Options): Presented {
  const header = (name: string) => (req.headersDistinct[name] ?? []).map((value) => value.trim());
  return {
    tokens: [
      ...header('authorization').map((value): Credential => ({ source: 'bearer', token: bearerToken(value) })),
      ...header('x-api-key').map((token): Credential => ({ source: 'x-api-key', token: bounded(token, 'api_key') })),
      ...header('x-access-token').map((token): Credential => ({
        source: 'x-access-token',
        token: bounded(token, 'access_token'),
      })),
      ...keys.map((token): Credential => ({ source: 'query', token: bounded(token) })),
    ],
    cookie: readCookie(req.headers.cookie),
  };
}

export function credentialInvalid(message = 'The credential is not valid.', cause?: unknown): AppError {
  return new AppError('credential_invalid', message, { cause });
}

function bearerToken(header: string): string {
  const token = BEARER.exec(header)?.[1];
  if (token === undefined) throw credentialInvalid('The Authorization header must be "Bearer", a space and one token.');
  return bounded(token);
}

/** Refuses an empty or long token, as `credential` where its header is for one kind alone. */
function bounded(token: string, credential?: 'api_key' | 'access_token'): string {
  if (token !== '' && Buffer.byteLength(token) <= MAX_TOKEN_BYTES) return token;
  if (credential === undefined) throw credentialInvalid();
  throw new AppError('credential_invalid', 'The credential is not valid.', { details: { credential } });
}
