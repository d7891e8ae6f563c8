import { createHash } from 'node:crypto';
import { LatchkeyError } from '../client/latchkey-error.ts';

/** Where the step leaves what the end of the job needs. */
export const STATE = 'revoke';

/** A retry with the same token is the same request, so that a lost answer is given again. */
export function idempotencyKeyOf(token: string): string {
  return createHash('sha256').update(token).digest('hex');
}

/** What the log of a job says of a failure, with the conditions of the policy that the job does not fulfil. */
export function failureText(error: unknown): string {
  if (!(error instanceof LatchkeyError)) return (error as Error).message;
  const { message, code, requestId, details } = error;
  const origin = requestId === undefined ? code : `${code}, request_id ${requestId}`;
  return `${message} (${origin})${details === undefined ? '' : ` ${JSON.stringify(details)}`}`;
}
