import type { IncomingMessage } from 'node:http';
import type { Logger } from 'pino';
import { callerId } from '../../http/caller.ts';
import type { Caller } from '../../http/caller.ts';
import { readTraceparent, traceField } from '../../http/server/traceparent.ts';
import { withoutRedaction } from '../../telemetry/logger.ts';
import type { traceFastPath } from '../../telemetry/trace-requests.ts';
import { spanOfDecision } from '../decide.ts';
import type { Decision } from '../decide.ts';

type Answered = {
  method: string;
  status: number;
  requestId: string;
  caller: Caller;
  decision: Pick<Decision, 'code' | 'resolved'>;
  req: Pick<IncomingMessage, 'headers'>;
  /** When the request came, on the monotonic clock. */
  from: number;
};

export type FastPathLog = {
  answered: (request: Answered) => void;
  failed: (error: unknown) => void;
};

type Deps = {
  log: Logger;
  route: string;
  /** Called with the duration of each request in seconds. */
  observe: (method: string, status: number, seconds: number) => void;
  /** Makes the spans of a request that the caller samples; undefined without tracing. */
  traceAnswer: ReturnType<typeof traceFastPath> | undefined;
  /** The share of accepted requests that are logged: 0 none, 1 all. */
  acceptedShare: number;
};

/** Logs every refused request, and a share of the accepted ones. */
export function makeFastPathLog({ log, route, observe, traceAnswer, acceptedShare }: Deps): FastPathLog {
  const lines = withoutRedaction(log);
  return {
    answered({ method, status, requestId, caller, decision, req, from }) {
      const milliseconds = performance.now() - from;
      observe(method, status, milliseconds / 1_000);
      if (traceAnswer && readTraceparent(req.headers)?.sampled === true)
        traceAnswer({
          headers: req.headers,
          method,
          route,
          status,
          requestId,
          from,
          verdict: spanOfDecision(decision),
        });
      if (decision.code === 'valid' && !(acceptedShare > 0 && Math.random() < acceptedShare)) return;
      const fields = {
        request_id: requestId,
        ...traceField(req),
        method,
        route,
        status,
        duration_ms: Math.round(milliseconds),
        caller: caller.kind,
        caller_id: callerId(caller),
        ...(caller.kind !== 'service' && { organization_id: caller.organizationId }),
        verdict: decision.code,
      };
      lines.info(fields, 'request');
    },

    failed: (error) => log.error({ err: error, route }, 'fast path failed to send an answer'),
  };
}
