import {
  ROOT_CONTEXT,
  SpanKind,
  SpanStatusCode,
  context,
  isSpanContextValid,
  propagation,
  trace,
} from '@opentelemetry/api';
import type { Attributes, Context, Span, Tracer } from '@opentelemetry/api';
import { VERSION } from '../config/version.ts';

export type Tracing = ReturnType<typeof makeTracing>;

type Options<Result> = {
  /** Whether it is a call of another service. */
  isOutgoing?: boolean;
  attributes?: Attributes;
  /** Returns more attributes once there is a result. */
  describe?: (result: Result) => Attributes;
};

/** Shorter waits would be a span a statement, and say nothing. */
const MIN_WAIT_MS = 1;
const ERROR_CODE = /^\w{1,40}$/;

/** Returns undefined unless an SDK of OpenTelemetry was loaded before the service: then nothing is wrapped or called. */
export function findTracing(): Tracing | undefined {
  const tracer = trace.getTracer('latchkey', VERSION);
  // Without an SDK no span has an id. This one is never ended, and so never exported.
  return isSpanContextValid(tracer.startSpan('start').spanContext()) ? makeTracing(tracer) : undefined;
}

/** Returns the context of the recorded span that the running work belongs to. */
export function recorded(): Context | undefined {
  const active = context.active();
  return trace.getSpan(active)?.isRecording() === true ? active : undefined;
}

/**
 * Makes spans below that of a request. What runs outside a recorded request has none. Attributes are of closed sets: no
 * statement, secret, message, address or id of a tenant.
 */
function makeTracing(tracer: Tracer) {
  function waited(name: string, parent: Context | undefined, fromMs: number, attributes: Attributes): void {
    const now = performance.now();
    if (parent && now - fromMs >= MIN_WAIT_MS)
      tracer.startSpan(name, { attributes, startTime: fromMs }, parent).end(now);
  }

  return {
    tracer,
    /** Makes a span of a wait since `fromMs`, on the monotonic clock, if it took a millisecond or longer. */
    waited,

    /** Runs work in a span of its own. */
    async span<Result>(name: string, work: () => Promise<Result>, options: Options<Result>): Promise<Result> {
      const parent = recorded();
      if (!parent) return work();
      const { isOutgoing = false, attributes = {}, describe } = options;
      const kind = isOutgoing ? SpanKind.CLIENT : SpanKind.INTERNAL;
      const span = tracer.startSpan(name, { kind, attributes }, parent);
      try {
        const result = await context.with(trace.setSpan(parent, span), work);
        if (describe) span.setAttributes(describe(result));
        return result;
      } catch (error) {
        markFailed(span, error);
        throw error;
      } finally {
        span.end();
      }
    },

    /** Returns a wait that makes a span if it takes a millisecond or longer. */
    waiting:
      <Given extends unknown[], Result>(
        name: string,
        attributes: Attributes,
        wait: (...given: Given) => Promise<Result>,
      ) =>
      async (...given: Given): Promise<Result> => {
        const [parent, fromMs] = [recorded(), performance.now()];
        const result = await wait(...given);
        waited(name, parent, fromMs, attributes);
        return result;
      },

    /** Returns how to go on within the running request from elsewhere; undefined outside a recorded one. */
    keepRequest(): (<Result>(work: () => Result) => Result) | undefined {
      const parent = recorded();
      return parent && ((work) => context.with(parent, work));
    },
  };
}

/** Returns `work` with a span for each call; without tracing, `work` itself. */
export function traced<Given extends unknown[], Result>(
  tracing: Tracing | undefined,
  name: string,
  work: (...given: Given) => Promise<Result>,
  describe: (result: Result) => Attributes,
): (...given: Given) => Promise<Result> {
  return tracing ? (...given) => tracing.span(name, () => work(...given), { describe }) : work;
}

/** Marks a span as failed by the error's code, or its class. Its message may have what no span may. */
export function markFailed(span: Span, error: unknown): void {
  span.setAttribute('error.type', typeOf(error));
  span.setStatus({ code: SpanStatusCode.ERROR });
}

function typeOf(error: unknown): string {
  if (!(error instanceof Error)) return 'unknown';
  return 'code' in error && ERROR_CODE.test(String(error.code)) ? String(error.code) : error.name;
}

/** Returns the context that the caller's headers name. */
export function contextOf(headers: object): Context {
  return propagation.extract(ROOT_CONTEXT, headers);
}
