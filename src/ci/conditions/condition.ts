import { z } from 'zod';
import { matchesGlob } from './glob.ts';

const MAX_TEXT = 500;
const MAX_VALUES = 50;
const MAX_CONDITIONS = 32;
/** Claims that the exchange judges itself. */
export const RESERVED_CLAIMS = ['iss', 'aud', 'exp', 'iat', 'nbf', 'jti'];

const text = z
  .string()
  .min(1)
  .max(MAX_TEXT)
  .refine((given) => given.isWellFormed() && !/\p{Cc}/u.test(given), 'Control characters are not allowed.');
const value = z.union([text, z.int(), z.boolean()]).describe('Compared as text: `true` is the same as `"true"`.');
const Condition = z.union([
  value,
  z.array(value).min(1).max(MAX_VALUES),
  z.strictObject({
    glob: text.describe('`*` covers any characters up to the next `/` or `:`.'),
  }),
]);

/** Conditions by the names of claims. All of them must hold. */
export const Conditions = z
  .record(z.string().regex(/^[\w.:/-]{1,128}$/, 'This is no name of a claim.'), Condition)
  .refine((all) => Object.keys(all).length <= MAX_CONDITIONS, `Give at most ${MAX_CONDITIONS} conditions.`)
  .refine(
    (all) => !RESERVED_CLAIMS.some((name) => Object.hasOwn(all, name)),
    `These claims are judged by the exchange itself: ${RESERVED_CLAIMS.join(', ')}.`,
  )
  .describe(
    'Conditions by claim: a value, a list of values, or a glob. All must hold; an absent claim matches nothing.',
  );

export type Condition = z.output<typeof Condition>;
export type Conditions = Readonly<Record<string, Condition>>;
export type Claims = Readonly<Record<string, unknown>>;

/** Whether a claim fulfils a condition: any member of an array, numbers and booleans as text. */
export function fulfils(claim: unknown, condition: Condition): boolean {
  return textsOf(claim).some((text) => matchesText(condition, text));
}

/** Returns the values of an exact condition or a list; undefined for a glob. */
export function listedValues(condition: Condition): string[] | undefined {
  if (typeof condition !== 'object') return [String(condition)];
  return Array.isArray(condition) ? condition.map(String) : undefined;
}

function matchesText(condition: Condition, text: string): boolean {
  const listed = listedValues(condition);
  if (listed) return listed.includes(text);
  return matchesGlob((condition as { glob: string }).glob, text);
}

/** Returns a claim as texts; none for an absent one, or for what is no plain value. */
export function textsOf(claim: unknown): string[] {
  if (Array.isArray(claim)) return claim.flatMap((each: unknown) => (Array.isArray(each) ? [] : textsOf(each)));
  return typeof claim === 'string' || typeof claim === 'number' || typeof claim === 'boolean' ? [String(claim)] : [];
}

/** Returns a claim's text as the database can store it, of bounded length. */
export function storable(text: string, maxLength: number): string {
  return text.slice(0, maxLength).replaceAll('\u0000', '\uFFFD').toWellFormed();
}
