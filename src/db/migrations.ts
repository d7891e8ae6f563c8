import type { Knex } from 'knex';
import * as createApplicationRole from '../../migrations/20261120100000_create_application_role.ts';
import * as createTenantsAndKeys from '../../migrations/20261120100100_create_tenants_and_keys.ts';
import * as createAuditEvents from '../../migrations/20261120100200_create_audit_events.ts';
import * as createRecovery from '../../migrations/20261120100300_create_recovery.ts';
import { StartError } from '../errors.ts';

type Migration = { name: string; steps: Knex.Migration };

// Listed by name and without an ending, so that the sources and the compiled build agree on what has run.
const MIGRATIONS: Migration[] = [
  { name: '20261120100000_create_application_role', steps: createApplicationRole },
  { name: '20261120100100_create_tenants_and_keys', steps: createTenantsAndKeys },
  { name: '20261120100200_create_audit_events', steps: createAuditEvents },
  { name: '20261120100300_create_recovery', steps: createRecovery },
];

export const migrationSource: Knex.MigrationSource<Migration> = {
  getMigrations: () => Promise.resolve(MIGRATIONS),
  getMigrationName: ({ name }) => name,
  getMigration: ({ steps }) => Promise.resolve(steps),
};

/** Brings the database up to date and returns the names of what ran. */
export async function migrate(db: Knex): Promise<string[]> {
  const [, names] = (await db.migrate.latest({ migrationSource })) as [number, string[]];
  return names;
}

/** @throws StartError when migrations are missing. */
export async function assertMigrated(db: Knex): Promise<void> {
  const [, pending] = (await db.migrate.list({ migrationSource })) as [unknown, Migration[]];
  if (pending.length === 0) return;
  const names = pending.map(({ name }) => name).join(', ');
  throw new StartError(`The database is behind by ${pending.length} migrations (${names}). Run: npm run migrate`);
}
