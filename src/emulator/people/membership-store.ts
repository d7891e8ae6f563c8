import type { Store } from '../state/store.ts';

export type MembershipRow = {
  id: string;
  position: string;
  user_id: string;
  organization_id: string;
  role: string;
  status: 'active' | 'inactive' | 'pending';
  created_at: string;
  updated_at: string;
};

export const findActiveMembership = (store: Store, userId: string, organizationId: string): MembershipRow | undefined =>
  store.get<MembershipRow>(
    `select * from memberships where user_id = ? and organization_id = ? and status = 'active'`,
    userId,
    organizationId,
  );

/** Returns the organizations that a person may sign in to, oldest membership first. */
export const activeOrganizations = (store: Store, userId: string): { id: string; name: string }[] =>
  store.all(
    `select organizations.id, organizations.name from memberships join organizations on organizations.id = memberships.organization_id
     where memberships.user_id = ? and memberships.status = 'active' order by memberships.position`,
    userId,
  );
