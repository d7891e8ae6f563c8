type PgError = Error & { code?: unknown; constraint?: unknown };

const UNIQUE_VIOLATION = '23505';
/** A write reached a standby. */
export const READ_ONLY = '25006';

// Connection exceptions (08), insufficient resources (53), operator intervention (57P), a statement or transaction that
// took too long (57014, 25P03), one that lost every retry (40001, 40P01), a server that takes no writes (25006), and
// socket errors.
// Source: postgresql.org/docs/15/errcodes-appendix.html
const UNAVAILABLE_SQLSTATE = /^(08|53|57P|57014|25P03|40001|40P01|25006)/;
const UNAVAILABLE_SOCKET = new Set([
  'ECONNREFUSED',
  'ECONNRESET',
  'EPIPE',
  'ETIMEDOUT',
  'ENOTFOUND',
  'EAI_AGAIN',
  'ENOENT',
]);
const UNAVAILABLE_MESSAGE =
  /Connection terminated|Connection ended|timeout exceeded when trying to connect|Unable to acquire a connection|Query read timeout|None of the database servers is a primary|is not queryable/;

/** Whether `error` violates the named unique constraint. */
export function violatesUnique(error: unknown, constraint: string): boolean {
  if (!(error instanceof Error)) return false;
  const { code, constraint: violated } = error as PgError;
  return code === UNIQUE_VIOLATION && violated === constraint;
}

/** Whether the database is unreachable or overloaded, so that a later try may work. */
export function isDatabaseUnavailable(error: unknown): boolean {
  if (error instanceof AggregateError) return error.errors.some(isDatabaseUnavailable);
  if (!(error instanceof Error)) return false;
  if (error.name === 'KnexTimeoutError' || UNAVAILABLE_MESSAGE.test(error.message)) return true;
  const { code } = error as PgError;
  return typeof code === 'string' && (UNAVAILABLE_SQLSTATE.test(code) || UNAVAILABLE_SOCKET.has(code));
}
