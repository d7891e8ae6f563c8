import type { Answer } from './client.ts';

const MAX_TEXT = 200;

type Json = Readonly<Record<string, unknown>>;

export const isObject = (value: unknown): value is Json =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** A field of an answer, through objects; undefined where there is none. */
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

/** Status and code of an answer; never its body, which may hold what was sent. */
export function describe({ status, body }: Answer): string {
  const code = text(body, 'code') ?? text(body, 'error');
  return code === undefined ? String(status) : `${status} ${code.slice(0, MAX_TEXT)}`;
}

/** Why an answer is not what a step needs to go on. */
export class Unexpected extends Error {
  override readonly name = 'Unexpected';
}

/** The answer, when its status is among those. */
export function expectStatus(answer: Answer, what: string, ...statuses: readonly number[]): Answer {
  if (statuses.includes(answer.status)) return answer;
  throw new Unexpected(`${what} was answered ${describe(answer)}, not ${statuses.join(' or ')}`);
}

/** A text that the answer must have. */
export function need(answer: Answer, what: string, name: string): string {
  const found = text(answer.body, name);
  if (found !== undefined && found !== '') return found;
  throw new Unexpected(`${what} has no ${name}`);
}
