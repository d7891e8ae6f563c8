import type { Knex } from 'knex';
import { expect, test } from 'vitest';
import { grantApplicationRole } from '../../src/db/application-role.ts';
import { connectEmbedded } from '../../src/db/connect-embedded.ts';
import { migrate } from '../../src/db/migrations.ts';

/** Every grant to the application role in this database, in a form that can be compared. */
async function grants(db: Knex): Promise<string[]> {
  const { rows } = await db.raw<{ rows: { entry: string }[] }>(`
    with entries as (
      select 'schema ' || nspname as name, nspacl as acl from pg_namespace where nspname = 'public'
      union all
      select 'table ' || relname, relacl from pg_class where relnamespace = 'public'::regnamespace
      union all
      select 'function ' || proname, proacl from pg_proc where pronamespace = 'public'::regnamespace
      union all
      select 'default ' || defaclobjtype::text, defaclacl from pg_default_acl
    )
    select name || ': ' || string_agg(privilege_type, ' ' order by privilege_type) as entry
    from entries, aclexplode(acl) where grantee = (select oid from pg_roles where rolname = 'latchkey_app')
    group by name order by name`);
  return rows.map(({ entry }) => entry);
}

test('grants a role that is created after the migrations what they would have granted', async () => {
  // Roles are a server's: one of its own, where the role can be absent.
  const { db, close } = await connectEmbedded({ dataDir: 'memory://' });
  try {
    await migrate(db);
    await db.raw('select keep_usage_partitions(13, 3)');
    const migrated = await grants(db);
    expect(migrated.length).toBeGreaterThan(10);
    expect(migrated).toContain('table audit_events: INSERT SELECT');

    await db.raw('drop owned by latchkey_app');
    await db.raw('drop role latchkey_app');
    expect(await grantApplicationRole(db)).toMatch(/^The role latchkey_app does not exist.*create role latchkey_app/s);

    await db.raw('create role latchkey_app nologin');
    expect(await grantApplicationRole(db)).toBeUndefined();
    expect(await grants(db)).toEqual(migrated);
    // And once more, which changes nothing.
    await grantApplicationRole(db);
    expect(await grants(db)).toEqual(migrated);
  } finally {
    await close();
  }
}, 60_000);
