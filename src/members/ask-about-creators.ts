import type { Knex } from 'knex';
import type { Clock } from '../clock.ts';

/** Creators that one review has WorkOS asked about; the next review goes on. */
const MAX_ASKED = 200;

/**
 * Schedules a question to WorkOS about people who made active keys of an organization and have no row, such as those who
 * left before creators were mirrored. The answer is recorded, and events follow it from then on.
 * @returns how many creators WorkOS has not answered about yet
 */
export function makeAskAboutCreators({ db, clock }: { db: Knex; clock: Clock }) {
  return async function askAboutCreators(organizationId: string): Promise<number> {
    const now = clock();
    // Goes from creator to creator through the index, however many keys each has. An impersonator has an e-mail for an id.
    const { rows } = await db.raw<{ rows: { unknown: string }[] }>(
      `with recursive creator (id) as (
         (${NEXT} order by created_by_id limit 1)
         union all
         select (${NEXT} and created_by_id > creator.id order by created_by_id limit 1) from creator
         where creator.id is not null
       ), unknown as (
         select creator.id, member.user_id is null as is_new
         from creator left join members as member on member.organization_id = ? and member.user_id = creator.id
         where creator.id like 'user\\_%' and (member.user_id is null or (member.active and member.due_at is not null))
       ), asked as (
         insert into members (organization_id, user_id, active, member_as_of, due_at, created_at, updated_at)
         select ?, id, true, 'epoch', ?, ?, ? from unknown where is_new order by id limit ?
         on conflict (organization_id, user_id) do nothing
       )
       select count(*) as unknown from unknown`,
      [organizationId, organizationId, organizationId, organizationId, now, now, now, MAX_ASKED],
    );
    return Number(rows[0]!.unknown);
  };
}

const NEXT = `select created_by_id from api_keys
  where organization_id = ? and created_by_kind = 'user' and status = 'active'`;
