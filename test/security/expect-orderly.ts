import { expect } from 'vitest';
import { ERROR_STATUS } from '../../src/errors.ts';
import type { ErrorCode } from '../../src/errors.ts';
import { expectEnvelope } from '../support/api.ts';
import type { Answer } from '../support/api.ts';

/**
 * What holds for whatever a client sends: no failure of ours, and every refusal is the envelope with a code of the
 * closed list under that code's own status.
 */
export function expectOrderly(answer: Answer, method = 'GET'): void {
  expect(answer.headers.get('x-request-id')).toMatch(/^req_[0-9a-f]{24}$/);
  expect(answer.status).toBeGreaterThanOrEqual(200);
  expect(answer.status).toBeLessThan(500);
  if (answer.status < 400 || method === 'HEAD') return;
  expectEnvelope(answer);
  expect(answer.status).toBe(ERROR_STATUS[answer.body.error.code as ErrorCode]);
}
