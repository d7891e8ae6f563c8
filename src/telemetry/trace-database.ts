import { SpanKind } from '@opentelemetry/api';
import type { Context } from '@opentelemetry/api';
import type { Knex } from 'knex';
import { markFailed, recorded } from './tracing.ts';
import type { Tracing } from './tracing.ts';

type Callback = (error: Error | null, result?: unknown) => void;
type Query = (config: { text?: string } | string, callback?: Callback) => unknown;
type Connection = { query: Query };
/** Of tarn, which knex does not describe. */
type Pool = {
  on(event: 'acquireSuccess', handle: (event: number, connection: Connection) => void): void;
  on(event: 'acquireRequest' | 'acquireFail', handle: (event: number) => void): void;
};

const OPERATION = /^\s*([a-z]{1,20})/i;

/** Makes a span for each statement of a recorded request, with its operation alone, and for each wait for a connection. */
export function traceDatabase(tracing: Tracing, db: Knex): void {
  const pool = db.client.pool as Pool;
  const seen = new WeakSet<Connection>();
  // Some connections are older than this: the start looks at the schema first.
  pool.on('acquireSuccess', (_event, connection) => {
    if (seen.has(connection)) return;
    seen.add(connection);
    traceStatements(tracing, connection);
  });
  traceWaits(tracing, pool);
}

// knex reports no end of `begin` and `commit`, and a commit is what waits for a standby: the connection's own method has all.
function traceStatements({ tracer }: Tracing, connection: Connection): void {
  const query = connection.query.bind(connection);
  connection.query = (config, callback) => {
    const parent = recorded();
    if (!parent || typeof callback !== 'function') return query(config, callback);
    const operation = operationOf(config);
    const attributes = { 'db.system.name': 'postgresql', 'db.operation.name': operation };
    const span = tracer.startSpan(operation, { kind: SpanKind.CLIENT, attributes }, parent);
    return query(config, (error, result) => {
      if (error) markFailed(span, error);
      span.end();
      callback(error, result);
    });
  };
}

function operationOf(config: Parameters<Query>[0]): string {
  const [, operation = 'OTHER'] = OPERATION.exec(typeof config === 'string' ? config : (config.text ?? '')) ?? [];
  return operation.toUpperCase();
}

function traceWaits({ waited }: Tracing, pool: Pool): void {
  const waiting = new Map<number, { parent: Context; fromMs: number }>();
  pool.on('acquireRequest', (event) => {
    const parent = recorded();
    if (parent) waiting.set(event, { parent, fromMs: performance.now() });
  });
  const over = (event: number) => {
    const wait = waiting.get(event);
    if (!wait) return;
    waiting.delete(event);
    waited('wait for connection', wait.parent, wait.fromMs, { 'db.system.name': 'postgresql' });
  };
  pool.on('acquireSuccess', over);
  pool.on('acquireFail', over);
}
