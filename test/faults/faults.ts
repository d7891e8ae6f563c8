import type { FaultInput } from '../../src/emulator/faults/faults.ts';

/** The deadline of one request to WorkOS in these tests; five seconds unless configured. */
export const DEADLINE_MS = 300;

/** The ways in which WorkOS can fail. `after` the work means that the work was done. */
export const FAULTS = {
  timeout: { what: 'no answer within the deadline', fault: { kind: 'hang' } },
  reset_before: { what: 'connection reset before the work', fault: { kind: 'reset_before' } },
  reset_after: { what: 'connection reset after the work was done', fault: { kind: 'reset_after' } },
  too_many_with: {
    what: '429 with `Retry-After: 1`',
    fault: { kind: 'status', status: 429, headers: { 'retry-after': '1' } },
  },
  too_many_without: { what: '429 without `Retry-After`', fault: { kind: 'status', status: 429 } },
  status_500: { what: '500', fault: { kind: 'status', status: 500 } },
  html_502: { what: '502 with a page of HTML', fault: { kind: 'html' } },
  status_503: { what: '503', fault: { kind: 'status', status: 503 } },
  malformed_json: { what: 'malformed JSON, after the work', fault: { kind: 'malformed_json' } },
  empty_body: { what: 'an empty body, after the work', fault: { kind: 'empty_body' } },
  wrong_content_type: { what: 'the wrong content type, after the work', fault: { kind: 'wrong_content_type' } },
  unknown_charset: {
    what: 'an unknown charset, after the work',
    fault: { kind: 'charset', charset: 'unknown' },
  },
  status_401: { what: '401', fault: { kind: 'status', status: 401 } },
  status_404: { what: '404', fault: { kind: 'status', status: 404 } },
  status_409: { what: '409', fault: { kind: 'status', status: 409 } },
  status_422: { what: '422', fault: { kind: 'status', status: 422 } },
  /** The work is done after the caller gave up: six times the deadline, scaled down with it. */
  slow: { what: '30 s slowness: the work is done long after the deadline', fault: { kind: 'latency', ms: 1_800 } },
} as const satisfies Record<string, { what: string; fault: FaultInput }>;

export type FaultName = keyof typeof FAULTS;
/** Returns whether the fault makes Latchkey hold off requests for a while. */
export const isLimit = (name: FaultName): boolean => name === 'too_many_with' || name === 'too_many_without';

export const FAULT_NAMES = Object.keys(FAULTS) as FaultName[];
