import { expect } from 'vitest';
import { SERVICE_TOKEN } from './service.ts';
import type { Service } from './service.ts';

/** The fields that any answer of the API may have; others are read with `toMatchObject` and the like. */
export type Body = Readonly<Record<string, unknown>> & {
  error: { code: string; message: string; request_id: string; details?: Record<string, unknown> };
  data: Readonly<Record<string, unknown>>[];
  list_metadata: { before: string | null; after: string | null };
};

export type Answer = { status: number; body: Body; headers: Headers };
export type CreatedKey = { id: string; value: string; label: string; prefix: string; permission_set: string };
type Request = { token?: string; headers?: Record<string, string>; body?: unknown };

/** Sends a request to the service and checks what holds for every answer. */
export async function call(
  { url }: Pick<Service, 'url'>,
  method: string,
  path: string,
  { token, headers = {}, body }: Request = {},
): Promise<Answer> {
  const response = await fetch(`${url}${path}`, {
    method,
    headers: {
      ...(token !== undefined && { authorization: `Bearer ${token}` }),
      ...(body !== undefined && { 'content-type': 'application/json' }),
      ...headers,
    },
    ...(body !== undefined && { body: typeof body === 'string' ? body : JSON.stringify(body) }),
  });
  const text = await response.text();
  const answer = { status: response.status, body: parse(text, response.headers), headers: response.headers };
  expect(answer.headers.get('x-request-id')).toMatch(/^req_[0-9a-f]{24}$/);
  if (answer.status >= 400 && method !== 'HEAD') expectEnvelope(answer);
  return answer;
}

/** Expects the one shape of every error. */
export function expectEnvelope({ body, headers }: Answer): void {
  expect(Object.keys(body)).toEqual(['error']);
  expect(body.error).toEqual({
    code: expect.stringMatching(/^[a-z_]+$/),
    message: expect.stringMatching(/./),
    request_id: headers.get('x-request-id'),
    ...(body.error.details && { details: expect.any(Object) }),
  });
}

/** Returns the status and error code of an answer. */
export function outcome({ status, body }: Answer): [number, string | undefined] {
  return [status, status >= 400 ? body.error.code : undefined];
}

/** Asks for a new key, and returns any answer; `body` replaces fields of the default one. */
export function requestKey(service: Pick<Service, 'url'>, token: string, body: object = {}): Promise<Answer> {
  const wanted = { label: 'a key', permission_set: 'read_only', ...body };
  return call(service, 'POST', '/v1/api-keys', { token, body: wanted });
}

/** Creates a key, and expects 201. */
export async function createKey(service: Pick<Service, 'url'>, token: string, body: object = {}): Promise<CreatedKey> {
  const answer = await requestKey(service, token, body);
  expect(outcome(answer)).toEqual([201, undefined]);
  return answer.body as unknown as CreatedKey;
}

/** Verifies a key, with the service token unless another is given. */
export function verifyKey(service: Pick<Service, 'url'>, body: object, token = SERVICE_TOKEN): Promise<Answer> {
  return call(service, 'POST', '/v1/api-keys/verify', { token, body });
}

/** A file is in the field `csv`. */
function parse(text: string, headers: Headers): Body {
  if (headers.get('content-type')?.startsWith('text/csv')) return { csv: text } as unknown as Body;
  return (text === '' ? {} : JSON.parse(text)) as Body;
}
