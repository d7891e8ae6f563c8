import type { Knex } from 'knex';
import type { AuditEvent, AuditSource } from '../audit/audit-event.ts';
import type { AuditLog } from '../audit/audit-log.ts';
import type { Clock } from '../clock.ts';
import type { UserCaller } from '../http/caller.ts';
import type { WorkosMember, WorkosRole } from '../workos/entities.ts';
import { changeMember, holdMember, makeAndHoldMember } from './member-row.ts';
import type { HeldMember, MemberId, MemberRow } from './member-row.ts';

export type LostBy = 'membership_ended' | 'user_deleted';

type Deps = {
  /** Drops what is kept in memory of a person's keys, or of all keys of the organization. */
  announce: (trx: Knex.Transaction, organizationId: string, userId?: string) => Promise<void>;
  /** Revokes a bounded number of a person's keys inside the transaction, all or those made until then. */
  revokeKeysOf: (
    trx: Knex.Transaction,
    member: MemberId,
    why: { reason: LostBy; source: AuditSource; now: Date; madeUntil?: Date },
  ) => Promise<{ events: AuditEvent[]; more: boolean }>;
  audit: Pick<AuditLog, 'appendAll'>;
  clock: Clock;
};

/** `at` is by WorkOS's clock. */
type Ending = { at: Date; reason: LostBy; source: AuditSource };
/** `more`: the same again, in another transaction, does the rest. */
export type Step = { changed: boolean; more: boolean };

export type MirrorMembers = ReturnType<typeof makeMirrorMembers>;

const ROLE_BATCH = 200;
const NOTHING: Step = { changed: false, more: false };

/**
 * What is known of the people who have keys of their own: whether they are members, and what their roles grant. Only
 * they have a row; what is told of others changes nothing. Each may be told twice, late or in any order: what WorkOS
 * says is of a time of its own, and the newest counts. What is not known grants nothing until WorkOS is asked.
 */
export function makeMirrorMembers(deps: Deps) {
  const { announce, clock } = deps;
  return {
    /**
     * Takes what a person's session says of them, unless more is known; WorkOS is asked all the same, as a session is
     * some minutes old. @returns whether they are a member
     */
    heardFrom: (trx: Knex.Transaction, caller: UserCaller): Promise<boolean> => hear(deps, trx, caller),

    /** A key of this person was made at WorkOS at that time. @returns whether they are a member, as far as is known */
    async ownsKey(trx: Knex.Transaction, member: MemberId, madeAt: Date): Promise<boolean> {
      const now = clock();
      const row = await makeAndHoldMember(trx, member, madeAt, now);
      if (row.active || row.member_as_of >= madeAt) return row.active;
      await changeMember(trx, row, { ...unknown(now), active: true, roles: [], member_as_of: madeAt }, now);
      return true;
    },

    /** There is such a membership, and it is like this now. */
    async changed(trx: Knex.Transaction, member: WorkosMember, source: AuditSource): Promise<Step> {
      const row = await holdMember(trx, member);
      if (!row) return NOTHING;
      if (!member.active) return end(deps, trx, row, { at: member.updatedAt, reason: 'membership_ended', source });
      return change(deps, trx, row, member);
    },

    /** The membership is over since then, and the person's keys in the organization with it. */
    async ended(trx: Knex.Transaction, member: MemberId, ending: Ending): Promise<Step> {
      const row = await holdMember(trx, member);
      return row ? end(deps, trx, row, ending) : NOTHING;
    },

    /** A role grants this now; `gone`: there is no such role any more. */
    async roleChanged(trx: Knex.Transaction, role: WorkosRole, gone: boolean): Promise<Step> {
      const organizations = await changeRoleOfSome(trx, role, gone, clock());
      for (const organizationId of new Set(organizations)) await announce(trx, organizationId);
      return { changed: organizations.length > 0, more: organizations.length === ROLE_BATCH };
    },

    /** The organizations in which a person has, or had, keys, in order. */
    async organizationsOf(db: Knex, userId: string, after: string, limit: number): Promise<string[]> {
      return db<MemberRow>('members')
        .where({ user_id: userId })
        .where('organization_id', '>', after)
        .orderBy('organization_id')
        .limit(limit)
        .pluck('organization_id');
    },
  };
}

async function hear({ announce, clock }: Deps, trx: Knex.Transaction, caller: UserCaller): Promise<boolean> {
  const { organizationId, userId, role, scopes, issuedAt } = caller;
  const now = clock();
  const row = await makeAndHoldMember(trx, caller, issuedAt, now);
  const isNews = row.permissions_as_of === null || row.permissions_as_of < issuedAt;
  if (!isNews || row.member_as_of > issuedAt) return row.active;
  const known = { active: true, roles: role === undefined ? [] : [role], permissions: [...scopes] };
  const asOf = { member_as_of: issuedAt, permissions_as_of: issuedAt };
  await changeMember(trx, row, { ...known, ...asOf, due_at: now, attempts: 0 }, now);
  await announce(trx, organizationId, userId);
  return true;
}

async function change(
  { announce, clock }: Deps,
  trx: Knex.Transaction,
  row: HeldMember,
  { roles, updatedAt }: WorkosMember,
): Promise<Step> {
  const isOld = updatedAt < row.member_as_of || (!row.active && updatedAt.getTime() === row.member_as_of.getTime());
  if (isOld) return NOTHING;
  const now = clock();
  const known = { active: true, roles: [...roles], member_as_of: updatedAt };
  const isSame = row.active && isSameSet(row.roles, roles);
  await changeMember(trx, row, isSame ? known : { ...known, ...unknown(now) }, now);
  if (!isSame) await announce(trx, row.organization_id, row.user_id);
  return { changed: !isSame, more: false };
}

/** What nobody knows grants nothing, and is asked at once. */
function unknown(now: Date): Partial<MemberRow> {
  return { permissions: null, due_at: now, attempts: 0 };
}

async function end(deps: Deps, trx: Knex.Transaction, row: HeldMember, { at, reason, source }: Ending): Promise<Step> {
  const now = deps.clock();
  // Somebody is a member again, or clocks differ: WorkOS knows. The keys from before are gone all the same.
  const isAgain = row.active && at < row.member_as_of;
  if (isAgain) await changeMember(trx, row, { due_at: now, attempts: 0 }, now);
  else if (row.active) await changeMember(trx, row, { ...unknown(now), ...over(at) }, now);
  const { organization_id: organizationId, user_id: userId } = row;
  const why = { reason, source, now, ...(isAgain && { madeUntil: at }) };
  const { events, more } = await deps.revokeKeysOf(trx, { organizationId, userId }, why);
  await deps.audit.appendAll(trx, organizationId, events);
  return { changed: (row.active && !isAgain) || events.length > 0, more };
}

function over(at: Date): Partial<MemberRow> {
  return { active: false, member_as_of: at, due_at: null };
}

/**
 * Of whom the role is the only one, what it grants is known at once; of others it has to be asked. What is not known
 * stays so: an old event must not make it known.
 */
async function changeRoleOfSome(
  trx: Knex.Transaction,
  { slug, organizationId, permissions, updatedAt }: WorkosRole,
  gone: boolean,
  now: Date,
): Promise<string[]> {
  const granted = gone || !permissions ? null : [...permissions];
  const { rows } = await trx.raw<{ rows: { organization_id: string }[] }>(
    `with changed as (
       select organization_id, user_id,
              case when permissions is not null and cardinality(roles) = 1 then ?::text[] end as granted
       from members
       where roles @> array[?]::text[] and active and (?::text is null or organization_id = ?)
         and (permissions_as_of is null or permissions_as_of < ?)
       order by organization_id, user_id limit ? for update
     )
     update members as member
     set permissions = changed.granted, permissions_as_of = ?, revision = member.revision + 1, updated_at = ?,
         due_at = case when changed.granted is null then ?::timestamptz else member.due_at end,
         attempts = case when changed.granted is null then 0 else member.attempts end
     from changed
     where member.organization_id = changed.organization_id and member.user_id = changed.user_id
     returning member.organization_id`,
    [granted, slug, organizationId ?? null, organizationId ?? null, updatedAt, ROLE_BATCH, updatedAt, now, now],
  );
  return rows.map(({ organization_id: id }) => id);
}

function isSameSet(a: readonly string[], b: readonly string[]): boolean {
  const set = new Set(a);
  return set.size === new Set(b).size && b.every((each) => set.has(each));
}
