import type { Knex } from 'knex';
import type { MemberRow } from './member-row.ts';

/** Reads the permissions of users in an organization; none for users who are no members or whose permissions are unknown. */
export function makePermissionsOf(db: Knex) {
  return async function permissionsOf(
    organizationId: string,
    userIds: readonly string[],
  ): Promise<ReadonlyMap<string, readonly string[]>> {
    if (userIds.length === 0) return new Map();
    const rows = await db<MemberRow>('members')
      .where({ organization_id: organizationId, active: true })
      .whereIn('user_id', [...new Set(userIds)])
      .select('user_id', 'permissions');
    return new Map(rows.map(({ user_id: id, permissions }) => [id, permissions ?? []]));
  };
}

export type PermissionsOf = ReturnType<typeof makePermissionsOf>;
