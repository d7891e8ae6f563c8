import type { Knex } from 'knex';

/** A person who has, or had, keys in an organization. */
export type MemberRow = {
  organization_id: string;
  user_id: string;
  active: boolean;
  roles: string[];
  /** What the roles grant; null: not known now, and so nothing. */
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

/** Who: a person in an organization. */
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

/** Of a person who was never heard of, held until the transaction ends; undefined when there is no row. */
export async function holdMember(
  trx: Knex.Transaction,
  { organizationId, userId }: MemberId,
): Promise<HeldMember | undefined> {
  return trx<MemberRow>('members')
    .where({ organization_id: organizationId, user_id: userId })
    .forUpdate()
    .first(COLUMNS);
}

/** The same, after making the row of somebody of whom nothing is known but that they are a member. */
export async function makeAndHoldMember(
  trx: Knex.Transaction,
  { organizationId, userId }: MemberId,
  asOf: Date,
  now: Date,
): Promise<HeldMember> {
  // The update changes nothing: it is there so that the row is locked and returned, whoever made it.
  const { rows } = await trx.raw<{ rows: HeldMember[] }>(
    `insert into members as member (organization_id, user_id, active, member_as_of, due_at, created_at, updated_at)
     values (?, ?, true, ?, ?, ?, ?)
     on conflict (organization_id, user_id) do update set revision = member.revision
     returning ${COLUMNS.join(', ')}`,
    [organizationId, userId, asOf, now, now, now],
  );
  return rows[0]!;
}

/** Writes a change of what is known, which makes answers to older questions old. */
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
