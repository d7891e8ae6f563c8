import { appendFileSync } from 'node:fs';
import { context, propagation, trace } from '@opentelemetry/api';
import { AsyncLocalStorageContextManager } from '@opentelemetry/context-async-hooks';
import { W3CTraceContextPropagator } from '@opentelemetry/core';
import { SimpleSpanProcessor, TracerProvider } from '@opentelemetry/sdk-trace';
import type { ReadableSpan, SpanExporter } from '@opentelemetry/sdk-trace';

// Loaded by `--import` before the service: an SDK as an operator has it, which samples every trace that no caller decides on, and
// appends each span to the file in SPANS_FILE.

const file = process.env['SPANS_FILE']!;
const ms = ([seconds, nanoseconds]: [number, number]) => seconds * 1_000 + nanoseconds / 1e6;

function write(span: ReadableSpan): void {
  const { name, kind, attributes, status, startTime, endTime, events, links } = span;
  const { traceId, spanId } = span.spanContext();
  const parentId = span.parentSpanContext?.spanId;
  const times = { fromMs: ms(startTime), toMs: ms(endTime) };
  const line = { name, kind, attributes, status, traceId, spanId, parentId, ...times, events, links };
  appendFileSync(file, `${JSON.stringify(line)}\n`);
}

const exporter: SpanExporter = {
  export(spans, done) {
    spans.forEach(write);
    done({ code: 0 });
  },
  shutdown: () => Promise.resolve(),
};

context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable());
propagation.setGlobalPropagator(new W3CTraceContextPropagator());
trace.setGlobalTracerProvider(new TracerProvider({ spanProcessors: [new SimpleSpanProcessor({ exporter })] }));
