import { expect } from 'vitest';
import type { Service } from './service.ts';

export type Answer = { status: number; body: any; headers: Headers };
type Request = { token?: string; headers?: Record<string, string>; body?: unknown };

/** Speaks to the service over HTTP and checks on every answer what holds for all of them. */
export async function call(
  { url }: Pick<Service, 'url'>,
  method: string,
  path: string,
  request: Request = {},
): Promise<Answer> {
  const { token, headers = {}, body } = request;
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
  const parsed: unknown = text === '' ? undefined : JSON.parse(text);
  const answer = { status: response.status, body: parsed, headers: response.headers };
  if (answer.status >= 400 && method !== 'HEAD') expectEnvelope(answer);
  return answer;
}

/** The one shape of every error. */
export function expectEnvelope({ body, headers }: Answer): void {
  const { error, ...rest } = body;
  expect(rest).toEqual({});
  expect(
    Object.keys(error)
      .filter((key) => key !== 'details')
      .toSorted(),
  ).toEqual(['code', 'message', 'request_id']);
  expect(headers.get('x-request-id')).toBe(error.request_id);
}

export async function createKey(service: Service, token: string, body: object = {}): Promise<any> {
  const answer = await call(service, 'POST', '/v1/api-keys', {
    token,
    body: { label: 'a key', permission_set: 'read_only', ...body },
  });
  expect(answer.status, JSON.stringify(answer.body)).toBe(201);
  return answer.body;
}
