import type { z } from 'zod';
import type { FieldError } from './http-error.ts';
import { invalidRequest } from './http-error.ts';

/** Parses a body or query by its schema. Throws 422, or another status, with the names of the wrong fields. */
export function parse<Schema extends z.ZodType>(schema: Schema, value: unknown, status = 422): z.output<Schema> {
  const parsed = schema.safeParse(value ?? {}, { reportInput: true });
  if (parsed.success) return parsed.data;
  throw invalidRequest(
    parsed.error.issues.map((issue) => toFieldError(issue)),
    status,
  );
}

function toFieldError(issue: z.core.$ZodIssue): FieldError {
  const missing = issue.code === 'invalid_type' && issue.input === undefined;
  return { field: issue.path.join('.'), code: missing ? 'required' : issue.code, message: issue.message };
}
