import { z } from 'zod';
import { ERROR_CODES, ERROR_STATUS } from '../errors.ts';
import type { AppError, ErrorCode } from '../errors.ts';
import type { Caller } from './caller.ts';

/** The shape of every error answer of Latchkey's own routes. */
export const ErrorEnvelope = z
  .object({
    error: z.object({
      code: z.enum(ERROR_CODES).describe('Stable; switch on this.'),
      message: z.string().describe('For people; may change.'),
      request_id: z.string().describe('The same id as in the `x-request-id` header.'),
      details: z
        .record(z.string(), z.unknown())
        .optional()
        .describe('Further facts by code: `fields` maps each field to its fault, `retry_after` is in seconds.'),
    }),
  })
  .meta({ id: 'Error' });

export function envelope(error: AppError, requestId: string): z.input<typeof ErrorEnvelope> {
  const { code, message, details } = error;
  return { error: { code, message, request_id: requestId, ...(details && { details }) } };
}

/** `caller`: undefined where no credential was found good. */
export type ErrorFacts = { requestId: string; caller: Caller['kind'] | undefined };

/** How errors are answered: Latchkey's own way, or a product's. */
export type ErrorForm = {
  present(error: AppError, facts: ErrorFacts): { status: number; body: object };
  /** The answers that an error code may have, for the documents. */
  answersOf(code: ErrorCode): readonly { status: number; code: string }[];
  schema: z.ZodType;
};

export const OWN_FORM: ErrorForm = {
  present: (error, { requestId }) => ({ status: error.status, body: envelope(error, requestId) }),
  answersOf: (code) => [{ status: ERROR_STATUS[code], code }],
  schema: ErrorEnvelope,
};
