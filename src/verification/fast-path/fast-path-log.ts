import type { Logger } from 'pino';
import { callerId } from '../../http/caller.ts';
import type { Caller } from '../../http/caller.ts';
import type { Decision } from '../decide.ts';

type Answered = {
  method: string;
  status: number;
  requestId: string;
  caller: Caller;
  decision: Decision;
  /** On the monotonic clock, when the request came. */
  from: number;
};

export type LaneLog = (answered: Answered) => void;

type Deps = {
  log: Pick<Logger, 'info'>;
  route: string;
  /** Told how long each took, in seconds. */
  observe: (method: string, status: number, seconds: number) => void;
  /** How many of the accepted requests leave a line: 0 none, 1 all. */
  acceptedShare: number;
};

/** The access log of a fast lane: a line for every refused request, and for a share of the others. */
export function makeLaneLog({ log, route, observe, acceptedShare }: Deps): LaneLog {
  return ({ method, status, requestId, caller, decision, from }) => {
    const milliseconds = performance.now() - from;
    observe(method, status, milliseconds / 1_000);
    if (decision.code === 'valid' && !(acceptedShare > 0 && Math.random() < acceptedShare)) return;
    const fields = {
      request_id: requestId,
      method,
      route,
      status,
      duration_ms: Math.round(milliseconds),
      caller: caller.kind,
      caller_id: callerId(caller),
      ...(caller.kind !== 'service' && { organization_id: caller.organizationId }),
      verdict: decision.code,
    };
    log.info(fields, 'request');
  };
}
