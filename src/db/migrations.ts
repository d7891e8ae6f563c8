import { setTimeout as sleep } from 'node:timers/promises';
import type { Knex } from 'knex';
import * as createApplicationRole from '../../migrations/20261120100000_create_application_role.ts';
import * as createTenantsAndKeys from '../../migrations/20261120100100_create_tenants_and_keys.ts';
import * as createAuditEvents from '../../migrations/20261120100200_create_audit_events.ts';
import * as createRecovery from '../../migrations/20261120100300_create_recovery.ts';
import * as addKeyLimits from '../../migrations/20261120100400_add_key_limits.ts';
import * as createUsage from '../../migrations/20261120100500_create_usage.ts';
import * as nameHashKeys from '../../migrations/20261120100600_name_hash_keys.ts';
import * as addBilling from '../../migrations/20261120100700_add_billing.ts';
import * as createHookInbox from '../../migrations/20261120100800_create_hook_inbox.ts';
import * as createOutbox from '../../migrations/20261120100900_create_outbox.ts';
import * as indexTenantsByAge from '../../migrations/20261120101000_index_tenants_by_age.ts';
import * as addKeyOwners from '../../migrations/20261120101100_add_key_owners.ts';
import * as createConfiguredGrants from '../../migrations/20261120101200_create_configured_grants.ts';
import * as addTestOrganizations from '../../migrations/20261120101300_add_test_organizations.ts';
import * as createMembers from '../../migrations/20261120101400_create_members.ts';
import * as addOrganizationIpAllowLists from '../../migrations/20261120101500_add_organization_ip_allow_lists.ts';
import * as createUserSessions from '../../migrations/20261120101600_create_user_sessions.ts';
import * as addRevokedSessions from '../../migrations/20261120101700_add_revoked_sessions.ts';
import * as keepRefusedHooks from '../../migrations/20261120101800_keep_refused_hooks.ts';
import * as keyAuditLinks from '../../migrations/20261121030000_key_audit_links.ts';
import * as indexAuditFilters from '../../migrations/20261121030100_index_audit_filters.ts';
import * as createInvalidationLog from '../../migrations/20261121040000_create_invalidation_log.ts';
import * as createBackgroundFailures from '../../migrations/20261121050000_create_background_failures.ts';
import * as createUnreadableWorkosEvents from '../../migrations/20261121070000_create_unreadable_workos_events.ts';
import * as createWorkosHoldOffs from '../../migrations/20261121130000_create_workos_hold_offs.ts';
import * as rememberSignIns from '../../migrations/20261121160000_remember_sign_ins.ts';
import * as openHookSources from '../../migrations/20261121220000_open_hook_sources.ts';
import * as addDroppedDeliveries from '../../migrations/20261121220100_add_dropped_deliveries.ts';
import * as indexKeySorts from '../../migrations/20261122030000_index_key_sorts.ts';
import * as indexAuditTimes from '../../migrations/20261122031000_index_audit_times.ts';
import * as watchDeliveries from '../../migrations/20261122060000_watch_deliveries.ts';
import * as createCiPolicies from '../../migrations/20261122070000_create_ci_policies.ts';
import * as admitCiKeys from '../../migrations/20261122070100_admit_ci_keys.ts';
import * as indexExpiredCiKeys from '../../migrations/20261122080000_index_expired_ci_keys.ts';
import * as createCiSessions from '../../migrations/20261122090000_create_ci_sessions.ts';
import * as addSuspensions from '../../migrations/20261122100000_add_suspensions.ts';
import * as createKeyLeaks from '../../migrations/20261122110000_create_key_leaks.ts';
import * as recordScopeUses from '../../migrations/20261122110010_record_scope_uses.ts';
import * as indexKeyCreators from '../../migrations/20261122110020_index_key_creators.ts';
import * as importKeys from '../../migrations/20261122120000_import_keys.ts';
import * as createTasks from '../../migrations/20261122131000_create_tasks.ts';
import * as indexKeyOwners from '../../migrations/20261122131010_index_key_owners.ts';
import * as createSessionTokens from '../../migrations/20261122132000_create_session_tokens.ts';
import * as admitStaff from '../../migrations/20261122133000_admit_staff.ts';
import * as markAMirrorBehind from '../../migrations/20261122134000_mark_a_mirror_behind.ts';
import * as leaveRoomInUsage from '../../migrations/20261122134010_leave_room_in_usage.ts';
import * as forgetLastUses from '../../migrations/20261122134020_forget_last_uses.ts';
import * as markLeakedKeys from '../../migrations/20261122135000_mark_leaked_keys.ts';
import * as locateSaltedHashes from '../../migrations/20261122136000_locate_salted_hashes.ts';
import * as rememberTaskLifetimes from '../../migrations/20261122190000_remember_task_lifetimes.ts';
import { StartError } from '../errors.ts';

type Migration = { name: string; steps: Knex.Migration };

// Listed by name without a file extension, so that sources and compiled build agree on what has run.
const MIGRATIONS: Migration[] = [
  { name: '20261120100000_create_application_role', steps: createApplicationRole },
  { name: '20261120100100_create_tenants_and_keys', steps: createTenantsAndKeys },
  { name: '20261120100200_create_audit_events', steps: createAuditEvents },
  { name: '20261120100300_create_recovery', steps: createRecovery },
  { name: '20261120100400_add_key_limits', steps: addKeyLimits },
  { name: '20261120100500_create_usage', steps: createUsage },
  { name: '20261120100600_name_hash_keys', steps: nameHashKeys },
  { name: '20261120100700_add_billing', steps: addBilling },
  { name: '20261120100800_create_hook_inbox', steps: createHookInbox },
  { name: '20261120100900_create_outbox', steps: createOutbox },
  { name: '20261120101000_index_tenants_by_age', steps: indexTenantsByAge },
  { name: '20261120101100_add_key_owners', steps: addKeyOwners },
  { name: '20261120101200_create_configured_grants', steps: createConfiguredGrants },
  { name: '20261120101300_add_test_organizations', steps: addTestOrganizations },
  { name: '20261120101400_create_members', steps: createMembers },
  { name: '20261120101500_add_organization_ip_allow_lists', steps: addOrganizationIpAllowLists },
  { name: '20261120101600_create_user_sessions', steps: createUserSessions },
  { name: '20261120101700_add_revoked_sessions', steps: addRevokedSessions },
  { name: '20261120101800_keep_refused_hooks', steps: keepRefusedHooks },
  { name: '20261121030000_key_audit_links', steps: keyAuditLinks },
  { name: '20261121030100_index_audit_filters', steps: indexAuditFilters },
  { name: '20261121040000_create_invalidation_log', steps: createInvalidationLog },
  { name: '20261121050000_create_background_failures', steps: createBackgroundFailures },
  { name: '20261121070000_create_unreadable_workos_events', steps: createUnreadableWorkosEvents },
  { name: '20261121130000_create_workos_hold_offs', steps: createWorkosHoldOffs },
  { name: '20261121160000_remember_sign_ins', steps: rememberSignIns },
  { name: '20261121220000_open_hook_sources', steps: openHookSources },
  { name: '20261121220100_add_dropped_deliveries', steps: addDroppedDeliveries },
  { name: '20261122030000_index_key_sorts', steps: indexKeySorts },
  { name: '20261122031000_index_audit_times', steps: indexAuditTimes },
  { name: '20261122060000_watch_deliveries', steps: watchDeliveries },
  { name: '20261122070000_create_ci_policies', steps: createCiPolicies },
  { name: '20261122070100_admit_ci_keys', steps: admitCiKeys },
  { name: '20261122080000_index_expired_ci_keys', steps: indexExpiredCiKeys },
  { name: '20261122090000_create_ci_sessions', steps: createCiSessions },
  { name: '20261122100000_add_suspensions', steps: addSuspensions },
  { name: '20261122110000_create_key_leaks', steps: createKeyLeaks },
  { name: '20261122110010_record_scope_uses', steps: recordScopeUses },
  { name: '20261122110020_index_key_creators', steps: indexKeyCreators },
  { name: '20261122120000_import_keys', steps: importKeys },
  { name: '20261122131000_create_tasks', steps: createTasks },
  { name: '20261122131010_index_key_owners', steps: indexKeyOwners },
  { name: '20261122132000_create_session_tokens', steps: createSessionTokens },
  { name: '20261122133000_admit_staff', steps: admitStaff },
  { name: '20261122134000_mark_a_mirror_behind', steps: markAMirrorBehind },
  { name: '20261122134010_leave_room_in_usage', steps: leaveRoomInUsage },
  { name: '20261122134020_forget_last_uses', steps: forgetLastUses },
  { name: '20261122135000_mark_leaked_keys', steps: markLeakedKeys },
  { name: '20261122136000_locate_salted_hashes', steps: locateSaltedHashes },
  { name: '20261122190000_remember_task_lifetimes', steps: rememberTaskLifetimes },
];

export const migrationSource: Knex.MigrationSource<Migration> = {
  getMigrations: () => Promise.resolve(MIGRATIONS),
  getMigrationName: ({ name }) => name,
  getMigration: ({ steps }) => Promise.resolve(steps),
};

// A newer release may have migrated already. Migrations only add, so this release still runs.
const config = { migrationSource, disableMigrationsListValidation: true };

/** Advisory lock of the session that migrates. */
const MIGRATING = [1_280_592_203, 2];
const LOOK_MS = 500;
const MOST_ATTEMPTS = 10;

/**
 * Waits until no other session migrates the database; others then wait until the pool, which must be of one connection, is closed.
 * It asks again and again, because `create index concurrently` waits for every session that waits inside a statement.
 */
export async function takeMigrationLock(db: Knex, onWait: () => void): Promise<void> {
  for (let attempt = 1; !(await isLockTaken(db)); attempt += 1) {
    if (attempt === 1) onWait();
    await sleep(LOOK_MS);
  }
  await freeKnexLock(db);
}

/**
 * Leaves one row in knex's own lock, and that unlocked. A killed process leaves it locked. Processes that start at once on an empty
 * database add a row each, which knex takes for a lock that is never free.
 */
async function freeKnexLock(db: Knex): Promise<void> {
  if (!(await db.schema.hasTable('knex_migrations_lock'))) return;
  await db.transaction(async (trx) => {
    await trx('knex_migrations_lock').delete();
    await trx('knex_migrations_lock').insert({ is_locked: 0 });
  });
}

async function isLockTaken(db: Knex): Promise<boolean> {
  const { rows } = await db.raw<{ rows: { taken: boolean }[] }>(
    'select pg_try_advisory_lock(?, ?) as taken',
    MIGRATING,
  );
  return rows[0]!.taken;
}

/** Runs the pending migrations. @returns their names */
export async function migrate(db: Knex): Promise<string[]> {
  const [, names] = (await db.migrate.latest(config)) as [number, string[]];
  return names;
}

/**
 * Runs the pending migrations under the lock. Replicas that look for missing migrations, and commands of releases that take
 * knex's lock alone, may get in between: then it begins again with what is still pending.
 * @returns their names
 */
export async function migrateBesideOthers(db: Knex): Promise<string[]> {
  for (let attempt = 1; ; attempt += 1) {
    const before = await completedCount(db);
    try {
      return await migrate(db);
    } catch (error) {
      const isRace = (error as Error).name === 'MigrationLocked' || (await completedCount(db)) !== before;
      if (!isRace || attempt === MOST_ATTEMPTS) throw error;
    }
    await sleep(LOOK_MS);
    await freeKnexLock(db);
  }
}

async function completedCount(db: Knex): Promise<number | undefined> {
  if (!(await db.schema.hasTable('knex_migrations'))) return undefined;
  const rows = await db('knex_migrations').select('id');
  return rows.length;
}

/** Whether the database was empty before these migrations ran. */
export function isFirst(names: readonly string[]): boolean {
  return names.includes(MIGRATIONS[0]!.name);
}

/** @throws StartError if migrations are missing. Unknown ones are a newer release's, and fine. */
export async function assertMigrated(db: Knex): Promise<void> {
  const [, pending] = (await db.migrate.list(config)) as [unknown, Migration[]];
  if (pending.length === 0) return;
  const names = pending.map(({ name }) => name).join(', ');
  throw new StartError(`The database is behind by ${pending.length} migrations (${names}). Run: npm run migrate`);
}
