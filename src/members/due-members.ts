import type { Knex } from 'knex';
import type { MemberId, MemberRow } from './member-row.ts';

export const MEMBERS_LOOP = 'members';

/** Names a member for the loop; WorkOS's ids have no slash. */
export function nameOfMember({ organizationId, userId }: MemberId) {
  return { id: `${organizationId}/${userId}`, organizationId };
}

/** Makes a member due now, unless WorkOS need not be asked. */
export async function hastenMember(db: Knex, name: string, now: Date): Promise<void> {
  const [organization_id = '', user_id = ''] = name.split('/');
  await db<MemberRow>('members').where({ organization_id, user_id }).whereNotNull('due_at').update({ due_at: now });
}

/** Returns how long the oldest question is overdue, in seconds; 0 when none is. */
export async function membersLagSeconds(db: Knex, now: Date): Promise<number> {
  const row = await db<MemberRow>('members').where('due_at', '<=', now).orderBy('due_at').first('due_at');
  return row?.due_at ? (now.getTime() - row.due_at.getTime()) / 1_000 : 0;
}

/** Schedules a question to WorkOS about all members of an organization whose events may be lost. Until then they stay as they are. */
export async function doubtMembers(db: Knex, organizationId: string, now: Date): Promise<void> {
  await db<MemberRow>('members')
    .where({ organization_id: organizationId, active: true })
    .whereNull('due_at')
    .update({ due_at: now, attempts: 0 });
}
