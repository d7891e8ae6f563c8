import { DatabaseUrl, ReadUrl } from './database-url.ts';
import { wholeNumber } from './variable-types.ts';

/** Where PostgreSQL is. */
export const database = {
  DATABASE_URL: DatabaseUrl.describe(
    'Address of PostgreSQL 15 or newer, `postgres://…`; several servers as libpq names them (docs/explanation/high-availability.md). A pooler that hands out a connection per transaction needs `DATABASE_LISTEN_URL` besides (docs/how-to/connect-through-pgbouncer.md).',
  ),
  DATABASE_LISTEN_URL: DatabaseUrl.optional().meta({
    description:
      'Address of the same PostgreSQL for the one connection of a process that listens, where `DATABASE_URL` leads to a pooler such as PgBouncer.',
    fallback: '`DATABASE_URL`',
  }),
  DATABASE_READ_URL: ReadUrl.optional().meta({
    description:
      'Address of a copy of the database near to this process, a standby or a subscriber, for what verifications and sessions read (docs/how-to/run-in-another-region.md). Everything else goes to `DATABASE_URL`.',
    fallback: '`DATABASE_URL`',
  }),
  DATABASE_POOL_MAX: wholeNumber(1, 100, 10).describe(
    'Most connections that one process opens; with `DATABASE_READ_URL`, to each of both databases.',
  ),
};
