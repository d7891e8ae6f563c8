import type { Found } from './key-pattern.ts';
import type { Finding } from './scan-stream.ts';

// File names may contain control characters, which could move a terminal's cursor.
const CONTROL = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu;

/** Writes a finding as a line for people. It shows the beginning and end of the key alone. */
export function lineOf({ path, line, column, environment, sureness, ...key }: Finding, verdict?: string): string {
  const parts = [`${printable(path)}:${line}:${column}`, shown(key), environment ?? 'unknown', sureness];
  return [...parts, ...(verdict === undefined ? [] : [verdict])].join('  ');
}

/** Writes a finding as JSON, one object a line. */
export function jsonOf({ path, line, column, environment, sureness, ...key }: Finding, verdict?: string): string {
  const view = { path, line, column, key: shown(key), environment: environment ?? null, sureness };
  return JSON.stringify(verdict === undefined ? view : { ...view, verdict });
}

export function problemOf(path: string, problem: string): string {
  return `${printable(path)}: ${problem}`;
}

/** Replaces the keys in a text by what may be shown of them. */
export function mask(text: string, keys: readonly Found[]): string {
  let [result, from] = ['', 0];
  for (const key of keys) {
    result += text.slice(from, key.start) + shown(key);
    from = key.end;
  }
  return result + text.slice(from);
}

function shown({ prefix, last4 }: Pick<Found, 'prefix' | 'last4'>): string {
  return `${prefix}…${last4}`;
}

function printable(path: string): string {
  return path.replaceAll(CONTROL, '?');
}
