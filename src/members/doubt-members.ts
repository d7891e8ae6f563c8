import type { Knex } from 'knex';
import type { MemberRow } from './member-row.ts';

/** Has WorkOS asked about all members of an organization, whose events may be lost; until then what is known counts. */
export async function doubtMembers(db: Knex, organizationId: string, now: Date): Promise<void> {
  await db<MemberRow>('members')
    .where({ organization_id: organizationId, active: true })
    .whereNull('due_at')
    .update({ due_at: now, attempts: 0 });
}
