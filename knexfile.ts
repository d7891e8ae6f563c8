import type { Knex } from 'knex';
import { migrationSource } from './src/db/migrations.ts';

/** For knex's own command line: `npx knex migrate:status`, `npx knex migrate:rollback`. */
const config: Knex.Config = {
  client: 'pg',
  connection: process.env['DATABASE_URL'] ?? '',
  migrations: { migrationSource },
};

export default config;
