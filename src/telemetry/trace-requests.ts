import { SpanKind, SpanStatusCode, context, trace } from '@opentelemetry/api';
import type { Attributes, Span } from '@opentelemetry/api';
import type { RequestHandler } from 'express';
import { methodLabel } from './metrics.ts';
import { contextOf } from './tracing.ts';
import type { Tracing } from './tracing.ts';

type Answered = {
  headers: object;
  method: string;
  route: string;
  status: number;
  requestId: string;
  /** When the request came, on the monotonic clock. */
  from: number;
  verdict: Attributes;
};

/** Machines ask these every few seconds. */
const OPERATIONS: ReadonlySet<string> = new Set(['/healthz', '/readyz', '/metrics']);

/** Makes a span for each request that Express answers, and runs the request within it. */
export function traceRequests({ tracer }: Tracing): RequestHandler {
  return (req, res, next) => {
    if (OPERATIONS.has(req.path)) return next();
    const method = methodLabel(req.method);
    const parent = contextOf(req.headers);
    const attributes = { 'http.request.method': method };
    const span = tracer.startSpan(method, { kind: SpanKind.SERVER, attributes }, parent);
    if (!span.isRecording()) return next();
    res.locals['traceId'] = span.spanContext().traceId;
    res.once('close', () => {
      const { route, errorCode } = res.locals as { route?: string; errorCode?: string };
      describe(span, { method, route, status: res.statusCode, requestId: String(res.getHeader('x-request-id')) });
      if (res.statusCode >= 500 && errorCode !== undefined) span.setAttribute('error.type', errorCode);
      span.end();
    });
    context.with(trace.setSpan(parent, span), next);
  };
}

/** Makes the spans of a request that a fast path has answered: none was made while it ran. */
export function traceFastPath({ tracer }: Tracing) {
  return ({ headers, from, verdict, ...answer }: Answered): void => {
    const now = performance.now();
    const parent = contextOf(headers);
    const attributes = { 'http.request.method': answer.method };
    const span = tracer.startSpan(answer.method, { kind: SpanKind.SERVER, attributes, startTime: from }, parent);
    if (!span.isRecording()) return;
    const within = trace.setSpan(parent, span);
    tracer.startSpan('verify key', { attributes: verdict, startTime: from }, within).end(now);
    describe(span, answer);
    span.end(now);
  };
}

type Answer = { method: string; route: string | undefined; status: number; requestId: string };

function describe(span: Span, { method, route, status, requestId }: Answer): void {
  span.updateName(route === undefined ? method : `${method} ${route}`);
  span.setAttributes({
    ...(route !== undefined && { 'http.route': route }),
    'http.response.status_code': status,
    'latchkey.request_id': requestId,
  });
  if (status >= 500) span.setStatus({ code: SpanStatusCode.ERROR });
}
