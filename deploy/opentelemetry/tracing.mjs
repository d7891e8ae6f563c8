// Loads an SDK of OpenTelemetry before Latchkey: `node --import ./tracing.mjs`. Its packages, beside this file:
//   npm install @opentelemetry/api@~1.10.0 @opentelemetry/context-async-hooks@^3.1.0 @opentelemetry/core@^3.1.0 \
//     @opentelemetry/exporter-trace-otlp-http@^0.301.0 @opentelemetry/resources@^3.1.0 @opentelemetry/sdk-trace@^3.1.0
// OTEL_EXPORTER_OTLP_ENDPOINT is the collector, OTEL_TRACES_SAMPLER_ARG the share of requests without a traceparent that are sampled.
import { hostname } from 'node:os';
import { context, propagation, trace } from '@opentelemetry/api';
import { AsyncLocalStorageContextManager } from '@opentelemetry/context-async-hooks';
import { W3CTraceContextPropagator } from '@opentelemetry/core';
import { OTLPTraceExporter } from '@opentelemetry/exporter-trace-otlp-http';
import { defaultResource, resourceFromAttributes } from '@opentelemetry/resources';
import {
  BatchSpanProcessor,
  ParentBasedSampler,
  TraceIdRatioBasedSampler,
  TracerProvider,
} from '@opentelemetry/sdk-trace';

const share = Number(process.env.OTEL_TRACES_SAMPLER_ARG ?? 0);
const resource = defaultResource().merge(
  resourceFromAttributes({
    'service.name': process.env.OTEL_SERVICE_NAME ?? 'latchkey',
    // As in log lines.
    'service.instance.id': `${hostname()}-${process.pid}`,
  }),
);
// A span waits half a second at most, so that a shutdown loses few.
const processor = new BatchSpanProcessor({ exporter: new OTLPTraceExporter(), scheduledDelayMillis: 500 });

context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable());
propagation.setGlobalPropagator(new W3CTraceContextPropagator());
trace.setGlobalTracerProvider(
  new TracerProvider({
    resource,
    sampler: new ParentBasedSampler({ root: new TraceIdRatioBasedSampler(share) }),
    spanProcessors: [processor],
  }),
);
