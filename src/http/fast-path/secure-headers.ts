import type { Request, Response } from 'express';
import helmet from 'helmet';
import type { FlatHeaders } from './fast-path.ts';

/** Returns helmet's headers, which are the same for every answer, beyond those that `sendJson` sends itself. */
export function secureHeaders(): FlatHeaders {
  const headers: string[] = [];
  const setHeader = (name: string, value: string) => {
    if (name !== 'X-Content-Type-Options') headers.push(name, value);
  };
  const res = { setHeader, removeHeader: () => undefined } as unknown as Response;
  helmet()({} as Request, res, (error) => {
    if (error !== undefined) throw error;
  });
  return headers;
}
