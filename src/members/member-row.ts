import type { Knex } from 'knex';

/** A user who has, or had, keys in an organization. */
export type MemberRow = {
  organization_id: string;
  user_id: string;
  active: boolean;
  roles: string[];
  /** The permissions that the roles grant; null: unknown, which grants nothing. */
  permissions: string[] | null;
  /** By WorkOS's clock. */
  member_as_of: Date;
  permissions_as_of: Date | null;
  due_at: Date | null;
  attempts: number;
  revision: number;
  created_at: Date;
  updated_at: Date;
};

/** A user in an organization. */
export type MemberId = { organizationId: string; userId: string };

const COLUMNS = [
  'organization_id',
  'user_id',
  'active',
  'roles',
  'permissions',
  'member_as_of',
  'permissions_as_of',
  'due_at',
  'revision',
] as const satisfies (keyof MemberRow)[];

export type HeldMember = Pick<MemberRow, (typeof COLUMNS)[number]>;

/** Locks a member's row until the transaction ends; undefined if there is none. */
export async function holdMember(
  trx: Knex.Transaction,
  { organizationId, userId }: MemberId,
): Promise<HeldMember | undefined> {
  return trx<MemberRow>('members')
    .where({ organization_id: organizationId, user_id: userId })
    .forUpdate()
    .first(COLUMNS);
}

/** Inserts the row of a member of unknown permissions if it is missing, and locks it. */
export async function makeAndHoldMember(
  trx: Knex.Transaction,
  { organizationId, userId }: MemberId,
  asOf: Date,
  now: Date,
): Promise<HeldMember> {
  // The update changes nothing; it locks and returns an existing row.
  const { rows } = await trx.raw<{ rows: HeldMember[] }>(
    `insert into members as member (organization_id, user_id, active, member_as_of, due_at, created_at, updated_at)
     values (?, ?, true, ?, ?, ?, ?)
     on conflict (organization_id, user_id) do update set revision = member.revision
     returning ${COLUMNS.join(', ')}`,
    [organizationId, userId, asOf, now, now, now],
  );
  return rows[0]!;
}

/** Changes a member and raises the revision, so that answers to earlier questions are discarded. */
export async function changeMember(
  trx: Knex.Transaction,
  row: HeldMember,
  change: Partial<MemberRow>,
  now: Date,
): Promise<void> {
  const { organization_id, user_id } = row;
  await trx<MemberRow>('members')
    .where({ organization_id, user_id })
    .update({ ...change, revision: row.revision + 1, updated_at: now });
}
