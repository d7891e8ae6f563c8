import { z } from 'zod';
import { ERROR_CODES } from '../errors.ts';
import type { AppError } from '../errors.ts';

/** The one shape of every error answer. */
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
