import type { Knex } from 'knex';
import { DatabaseError } from 'pg';
import type { Client, QueryConfig, QueryResult } from 'pg';

type Callback = (error: Error | null, result?: unknown) => void;
/** `later`: the caller goes on before it has run. `held`: it does so and gets the result when that is there. */
type Config = QueryConfig & { later?: boolean; held?: boolean };
type Query = (config: Config, callback: Callback) => unknown;
/** A statement of knex that was not sent yet. */
export type Unsent<T> = PromiseLike<T> & { toSQL(): Knex.Sql };
type Sent = { options?: object };
/** Of knex, which does not describe it. */
type KnexClient = {
  acquireConnection(): Promise<Client>;
  query(connection: Client, statement: Sent): Promise<Sent>;
  processResponse(statement: Sent): unknown;
};

/** As knex spells them. */
const BEGIN = 'BEGIN';
const COMMIT = 'COMMIT;';
const ROLLBACK = 'ROLLBACK';
const NO_RESULT = { rows: [], rowCount: 0, command: '' };

const pipelined = new WeakSet<Client>();

/**
 * Lets a transaction go on while what runs `later` is under way, on a connection with `pipeline: true`. The server runs
 * statements in their order, and nothing of a transaction after one that failed; the failure is that of the next statement
 * whose result is awaited, and of the commit. `begin` is awaited: without it each statement would commit by itself.
 */
export function pipelineStatements(connection: Client): void {
  const send = connection.query.bind(connection) as unknown as Query;
  let isOpen = false;
  let failure: Error | undefined;

  function noting({ text }: Config, callback?: Callback): Callback {
    return (error, result) => {
      if (error) failure ??= named(error, text);
      callback?.(error, result);
    };
  }

  function commit(config: Config, callback: Callback): void {
    // The server does not know of a statement that could not be sent, and would commit the others.
    if (failure) return void send({ text: ROLLBACK }, () => callback(failure!));
    send(config, (error, result) => {
      const isUndone = (result as QueryResult | undefined)?.command === ROLLBACK;
      callback(failure ?? error ?? (isUndone ? new Error('a statement of the transaction has failed') : null), result);
    });
  }

  const query: Query = (config, callback) => {
    const { text } = config;
    const isBegun = text.startsWith(BEGIN);
    if (isBegun) failure = undefined;
    isOpen = isBegun || (isOpen && text !== COMMIT && text !== ROLLBACK);
    if (isOpen && config.later) {
      send(config, noting(config));
      callback(null, NO_RESULT);
    } else if (isOpen && config.held) send(config, noting(config, callback));
    else if (text === COMMIT) commit(config, callback);
    else send(config, (error, result) => callback(error && (failure ?? error), result));
  };
  connection.query = query as unknown as Client['query'];
  pipelined.add(connection);
}

function named(error: Error, text: string): Error {
  // Errors of the connection are those of all its statements.
  if (error instanceof DatabaseError) error.message = `${text} - ${error.message}`;
  return error;
}

/**
 * Runs a statement whose result is not needed, before every statement that is sent after it. Its failure fails those, and the
 * commit.
 */
export async function later(statement: Pick<Knex.Raw, 'options'> | Pick<Knex.QueryBuilder, 'options'>): Promise<void> {
  await statement.options({ later: true });
}

/** Runs a statement as `later` does; its result is there at the latest when the transaction has committed. */
export async function laterWithResult<T>(trx: Knex.Transaction, statement: Unsent<T>): Promise<{ result: Promise<T> }> {
  const connection = await clientOf(trx).acquireConnection();
  const result = pipelined.has(connection)
    ? run(trx, connection, statement, { held: true })
    : Promise.resolve(await statement);
  // The commit fails, too.
  result.catch(() => undefined);
  return { result };
}

/** Runs two statements in this order, each with its own snapshot, in one round trip. */
export async function inOrder<A, B>(trx: Knex.Transaction, first: Unsent<A>, second: Unsent<B>): Promise<[A, B]> {
  const connection = await clientOf(trx).acquireConnection();
  if (!pipelined.has(connection)) return [await first, await second];
  return Promise.all([run(trx, connection, first, { held: true }), run(trx, connection, second, {})]);
}

/** Sends a statement before it returns, which `then` of knex does not. */
async function run<T>(
  trx: Knex.Transaction,
  connection: Client,
  unsent: Unsent<T>,
  options: { held?: boolean },
): Promise<T> {
  const client = clientOf(trx);
  const statement: Sent = unsent.toSQL();
  const sent = client.query(connection, { ...statement, options: { ...statement.options, ...options } });
  return client.processResponse(await sent) as T;
}

function clientOf(trx: Knex.Transaction): KnexClient {
  return trx.client as KnexClient;
}
