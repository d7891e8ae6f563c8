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
  /** Invalidates a user's keys in the memory of every replica, or all keys of the organization. */
  announce: (trx: Knex.Transaction, organizationId: string, userId?: string) => Promise<void>;
  /** Revokes a bounded number of a user's keys in the transaction: all, or those made until `madeUntil`. */
  revokeKeysOf: (
    trx: Knex.Transaction,
    member: MemberId,
    why: { reason: LostBy; source: AuditSource; now: Date; madeUntil?: Date },
  ) => Promise<{ events: AuditEvent[]; more: boolean }>;
  /** Whether the organization has active keys that this user made. */
  hasMadeKeys: (trx: Knex.Transaction, member: MemberId) => Promise<boolean>;
  audit: Pick<AuditLog, 'appendAll'>;
  clock: Clock;
};

/** `at` is by WorkOS's clock. */
type Ending = { at: Date; reason: LostBy; source: AuditSource };
/** `more`: repeat the step in another transaction. */
export type Step = { changed: boolean; more: boolean };

export type MirrorMembers = ReturnType<typeof makeMirrorMembers>;

const ROLE_BATCH = 200;
const NOTHING: Step = { changed: false, more: false };

/**
 * Mirrors the membership and permissions of users who have keys of their own, and the end of the membership of users who
 * made keys of the organization, for access reviews. Events of other users change nothing. Events
 * may come twice, late or in any order: each has WorkOS's own time, and the newest wins. Unknown permissions grant nothing
 * until WorkOS is asked.
 */
export function makeMirrorMembers(deps: Deps) {
  const { announce, clock } = deps;
  return {
    /**
     * Takes role and permissions from a user's session, unless newer ones are known. WorkOS is still asked, since a session
     * is some minutes old. @returns whether they are a member
     */
    sawSession: (trx: Knex.Transaction, caller: UserCaller): Promise<boolean> => takeSession(deps, trx, caller),

    /** Records that a key of this user was made at WorkOS. @returns whether they are a member, as far as is known */
    async ownsKey(trx: Knex.Transaction, member: MemberId, madeAt: Date): Promise<boolean> {
      const now = clock();
      const row = await makeAndHoldMember(trx, member, madeAt, now);
      if (row.active || row.member_as_of >= madeAt) return row.active;
      await changeMember(trx, row, { ...unknown(now), active: true, roles: [], member_as_of: madeAt }, now);
      return true;
    },

    /** Records the current state of a membership. */
    async changed(trx: Knex.Transaction, member: WorkosMember, source: AuditSource): Promise<Step> {
      if (!member.active) return endOf(deps, trx, member, { at: member.updatedAt, reason: 'membership_ended', source });
      const row = await holdMember(trx, member);
      if (!row) return NOTHING;
      return change(deps, trx, row, member);
    },

    /** Records the end of a membership and revokes the user's keys in the organization. */
    ended: (trx: Knex.Transaction, member: MemberId, ending: Ending): Promise<Step> => endOf(deps, trx, member, ending),

    /** Records what a role grants; `gone`: the role was deleted. */
    async roleChanged(trx: Knex.Transaction, role: WorkosRole, gone: boolean): Promise<Step> {
      const organizations = await changeRoleOfSome(trx, role, gone, clock());
      for (const organizationId of new Set(organizations)) await announce(trx, organizationId);
      return { changed: organizations.length > 0, more: organizations.length === ROLE_BATCH };
    },

    /** Lists the organizations in which a user has, or had, keys, in order. */
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

async function takeSession({ announce, clock }: Deps, trx: Knex.Transaction, caller: UserCaller): Promise<boolean> {
  const { organizationId, userId, role, scopes, issuedAt } = caller;
  const now = clock();
  const row = await makeAndHoldMember(trx, caller, issuedAt, now);
  const isNewer = row.permissions_as_of === null || row.permissions_as_of < issuedAt;
  if (!isNewer || row.member_as_of > issuedAt) return row.active;
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

/** Unknown permissions grant nothing; WorkOS is asked at once. */
function unknown(now: Date): Partial<MemberRow> {
  return { permissions: null, due_at: now, attempts: 0 };
}

async function endOf(deps: Deps, trx: Knex.Transaction, member: MemberId, ending: Ending): Promise<Step> {
  const known = await holdMember(trx, member);
  const isMaker = !known && (await deps.hasMadeKeys(trx, member));
  const row = isMaker ? await makeAndHoldMember(trx, member, ending.at, deps.clock()) : known;
  return row ? end(deps, trx, row, ending) : NOTHING;
}

async function end(deps: Deps, trx: Knex.Transaction, row: HeldMember, { at, reason, source }: Ending): Promise<Step> {
  const now = deps.clock();
  // The user is a member again, or clocks differ: ask WorkOS. Keys from before are revoked all the same.
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
 * Applies a role to its members. Members with no other role get its permissions at once; WorkOS is asked about the others.
 * Unknown permissions stay unknown, since the event may be old.
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
