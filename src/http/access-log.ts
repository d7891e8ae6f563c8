import type { Request, RequestHandler, Response } from 'express';
import type { Logger } from 'pino';
import { pinoHttp } from 'pino-http';
import { callerId } from './caller.ts';
import { traceField } from './server/traceparent.ts';
import type { Caller } from './caller.ts';

type Timing = { responseTime: number };
type Locals = { caller?: Caller; route?: string; errorCode?: string; described?: Readonly<Record<string, string>> };

/**
 * Logs one line for each request: caller, organization, route, outcome, duration. The URL is not logged, since a path or a
 * query string may carry a secret; the route's pattern cannot.
 * @param log may redact nothing: the fields are those of `describe`
 */
export function makeAccessLog(log: Logger): RequestHandler {
  return pinoHttp<Request, Response>({
    logger: log,
    // Both are needed: without the second, the line has the whole request with its URL and headers.
    quietReqLogger: true,
    quietResLogger: true,
    serializers: { req: () => undefined },
    customAttributeKeys: { reqId: 'request_id' },
    genReqId: (_req, res) => String(res.getHeader('x-request-id')),
    customLogLevel: (_req, res) => levelOf(res),
    customSuccessMessage: () => 'request',
    customErrorMessage: () => 'request',
    customSuccessObject: describe,
    customErrorObject: (req, res, _error, value: Timing) => describe(req, res, value),
  });
}

/** Routes that machines call every few seconds; logged as `debug` unless they fail. */
const OPERATIONS: readonly unknown[] = ['/healthz', '/readyz', '/metrics'];

function levelOf(res: Response): 'debug' | 'info' | 'warn' {
  if (res.statusCode >= 500) return 'warn';
  return OPERATIONS.includes(res.locals['route']) ? 'debug' : 'info';
}

function describe(req: Request, res: Response, { responseTime }: Timing): object {
  const { caller, route, errorCode, described } = res.locals as Locals;
  return {
    ...traceField(req, res),
    method: req.method,
    route: route ?? 'unmatched',
    status: res.statusCode,
    duration_ms: responseTime,
    ...(errorCode && { code: errorCode }),
    ...(caller && { caller: caller.kind, caller_id: callerId(caller) }),
    ...(caller && caller.kind !== 'service' && { organization_id: caller.organizationId }),
    ...described,
  };
}
