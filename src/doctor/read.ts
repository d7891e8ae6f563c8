import type { Answer } from './client.ts';

const MAX_TEXT = 200;

type Json = Readonly<Record<string, unknown>>;

export const isObject = (value: unknown): value is Json =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** Returns a nested field of an answer; undefined when there is none. */
export function field(value: unknown, ...path: readonly string[]): unknown {
  let current = value;
  for (const name of path) current = isObject(current) ? current[name] : undefined;
  return current;
}

export function text(value: unknown, ...path: readonly string[]): string | undefined {
  const found = field(value, ...path);
  return typeof found === 'string' ? found : undefined;
}

export function list(value: unknown, ...path: readonly string[]): unknown[] {
  const found = field(value, ...path);
  return Array.isArray(found) ? (found as unknown[]) : [];
}

/** Returns status and code of an answer, never its body, which may quote the request. */
export function describe({ status, body }: Answer): string {
  const code = text(body, 'code') ?? text(body, 'error');
  return code === undefined ? String(status) : `${status} ${code.slice(0, MAX_TEXT)}`;
}

/** An answer that the step cannot go on with. */
export class Unexpected extends Error {
  override readonly name = 'Unexpected';
}

/** Returns the answer. @throws Unexpected for another status */
export function expectStatus(answer: Answer, what: string, ...statuses: readonly number[]): Answer {
  if (statuses.includes(answer.status)) return answer;
  throw new Unexpected(`${what} was answered ${describe(answer)}, not ${statuses.join(' or ')}`);
}

/** Returns a text field of the answer. @throws Unexpected when it is missing or empty */
export function need(answer: Answer, what: string, name: string): string {
  const found = text(answer.body, name);
  if (found !== undefined && found !== '') return found;
  throw new Unexpected(`${what} has no ${name}`);
}
