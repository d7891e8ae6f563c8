import { z } from 'zod';

const CONTROL = /[\p{Cc}\p{Zl}\p{Zp}]/u;
const CONTROL_BUT_LINES = /[^\P{Cc}\n\t]/u;

type Bounds = { min: number; max: number; multiline?: boolean };

/** Text of a client: well-formed, without control characters, bounded in characters as people count code points. */
export function text({ min, max, multiline = false }: Bounds) {
  const control = multiline ? CONTROL_BUT_LINES : CONTROL;
  return z
    .string()
    .trim()
    .refine((value) => length(value) >= min, min === 1 ? 'This must not be empty.' : `At least ${min} characters.`)
    .refine((value) => length(value) <= max, `At most ${max} characters.`)
    .refine((value) => !control.test(value), 'Control characters are not allowed.')
    .refine((value) => value.isWellFormed(), 'This is not valid Unicode.')
    .meta({ minLength: min, maxLength: max });
}

function length(value: string): number {
  return [...value].length;
}
