import type { Knex } from 'knex';
import { backgroundSource } from '../audit/audit-event.ts';
import type { Items } from '../background/items.ts';
import type { Clock } from '../clock.ts';
import { transaction } from '../db/transaction.ts';
import type { WorkosMember, WorkosRole } from '../workos/entities.ts';
import { heldOffMs } from '../workos/failure.ts';
import type { WorkosGateway } from '../workos/gateway.ts';
import { nameOfMember } from './due-members.ts';
import { changeMember, holdMember } from './member-row.ts';
import type { MemberId, MemberRow } from './member-row.ts';
import type { MirrorMembers } from './mirror-members.ts';

type Deps = {
  db: Knex;
  workos: Pick<WorkosGateway, 'heldMs' | 'findMember' | 'findRole'>;
  mirrorMembers: Pick<MirrorMembers, 'ended'>;
  announce: (trx: Knex.Transaction, organizationId: string, userId?: string) => Promise<void>;
  /** Records the user of an e-mail address, so that failed sign-ins with it are recorded as theirs. */
  noteAccount: (email: string, member: MemberId) => Promise<void>;
  /** Waits for the rate limit of calls to WorkOS. */
  turn: () => Promise<void>;
  /** How long a replica may take for one question before another replica claims it. */
  leaseMs: number;
  items: Pick<Items, 'each'>;
  clock: Clock;
};

type Due = MemberId & { revision: number; attempts: number };
type Roles = readonly (WorkosRole | undefined)[];
/** Each reading of a role, numbered by `time`, is shared within a batch. */
type FindRole = (organizationId: string, slug: string, time: number) => Promise<WorkosRole | undefined>;
/** The questions of one batch. */
type Batch = { members: Promise<unknown>[]; findRole: FindRole };

const BATCH = 10;
const MAX_BATCHES = 100;
const MAX_READINGS = 4;
const BACKOFF_BASE_MS = 500;
const BACKOFF_MAX_MS = 15_000;
const SOURCE = backgroundSource('workos', 'workos');

export type AskForMembers = ReturnType<typeof makeAskForMembers>;

/**
 * Asks WorkOS about members whose permissions are unknown: whether they are members, and what their roles grant. If the row
 * has changed since the question, the answer is discarded and WorkOS is asked again.
 */
export function makeAskForMembers(deps: Deps) {
  async function askBatch(member?: MemberId): Promise<number> {
    const due = await claim(deps, member);
    const batch: Batch = { members: [], findRole: rememberRoles(deps) };
    await deps.items.each(due, {
      name: nameOfMember,
      work: (each) => askOne(deps, batch, each),
      postpone: (each, dueAt, error) => postpone(deps, each, dueAt, error),
      parallel: true,
    });
    return due.length;
  }

  return {
    /** Asks about all due members, in batches; the rest waits for the next run. */
    async askDue(signal?: AbortSignal): Promise<void> {
      for (let batches = 0; batches < MAX_BATCHES; batches++) {
        if (deps.workos.heldMs() > 0 || (await askBatch()) < BATCH || signal?.aborted) return;
      }
    },

    /** Asks about one member now, if due. A failure is logged, and tried again with all due members. */
    askAbout: async (member: MemberId): Promise<void> => void (await askBatch(member)),
  };
}

/** Shares readings of roles within a batch, since many members have the same role. */
function rememberRoles({ workos, turn }: Deps): FindRole {
  const answers = new Map<string, Promise<WorkosRole | undefined>>();
  return (organizationId, slug, time) => {
    const name = JSON.stringify([organizationId, slug, time]);
    const answer = answers.get(name) ?? turn().then(() => workos.findRole(organizationId, slug));
    answers.set(name, answer);
    return answer;
  };
}

async function askOne(deps: Deps, batch: Batch, due: Due): Promise<void> {
  const { db, workos, turn, noteAccount } = deps;
  const answer = turn().then(() => workos.findMember(due.organizationId, due.userId));
  batch.members.push(answer);
  const member = await answer;
  if (!member?.active) return endMember(deps, due, member);
  if (member.email !== undefined) await noteAccount(member.email, due);
  // Roles are read after all members, so that no role is older than the member's own time.
  await Promise.allSettled(batch.members);
  const roles = await readRoles(batch.findRole, due.organizationId, member.roles);
  await transaction(db, (trx) => learn(deps, trx, due, member, roles));
}

/** Reads roles as of one moment: several are read again until none has changed in between. */
async function readRoles(findRole: FindRole, organizationId: string, slugs: readonly string[]): Promise<Roles> {
  const read = (time: number) => Promise.all(slugs.map((slug) => findRole(organizationId, slug, time)));
  let roles = await read(0);
  if (slugs.length < 2) return roles;
  for (let time = 1; time <= MAX_READINGS; time++) {
    const again = await read(time);
    if (versionsOf(again) === versionsOf(roles)) return again;
    roles = again;
  }
  throw new Error('roles of a member changed between readings; trying again later');
}

function versionsOf(roles: Roles): string {
  return roles.map((role) => role?.updatedAt.getTime()).join(' ');
}

async function postpone({ db, clock }: Deps, due: Due, dueAt: Date | undefined, error: unknown): Promise<void> {
  const pauseMs = Math.max(backoffMs(due.attempts), heldOffMs(error) ?? 0);
  await db<MemberRow>('members')
    .where({ organization_id: due.organizationId, user_id: due.userId, revision: due.revision })
    .update({ due_at: dueAt ?? new Date(clock().getTime() + pauseMs) });
}

async function endMember(deps: Deps, due: Due, member: WorkosMember | undefined): Promise<void> {
  const { db, mirrorMembers } = deps;
  for (;;) {
    const step = await transaction(db, async (trx) => {
      const row = await holdMember(trx, due);
      if (!row || (row.active && row.revision !== due.revision)) return undefined;
      // Not by our clock: a membership that begins again must be later.
      const at = member && member.updatedAt > row.member_as_of ? member.updatedAt : row.member_as_of;
      return mirrorMembers.ended(trx, due, { at, reason: 'membership_ended', source: SOURCE });
    });
    if (!step?.more) return;
  }
}

async function learn(
  { announce, clock }: Deps,
  trx: Knex.Transaction,
  due: Due,
  member: WorkosMember,
  roles: Roles,
): Promise<void> {
  const row = await holdMember(trx, due);
  if (!row || row.revision !== due.revision) return;
  const permissions = [...new Set(roles.flatMap((role) => role?.permissions ?? []))];
  // The time of the roles: a later change of a role counts, however new the membership is.
  const times = roles.flatMap((role) => role?.updatedAt ?? []);
  const known = { active: true, roles: [...member.roles], permissions };
  const asOf = new Date(Math.max(...(times.length > 0 ? times : [member.updatedAt]).map(Number)));
  const memberAsOf = new Date(Math.max(Number(member.updatedAt), Number(row.member_as_of)));
  await changeMember(
    trx,
    row,
    { ...known, member_as_of: memberAsOf, permissions_as_of: asOf, due_at: null, attempts: 0 },
    clock(),
  );
  const before = row.permissions && [...row.permissions].sort().join(' ');
  if (before !== [...permissions].sort().join(' ')) await announce(trx, due.organizationId, due.userId);
}

async function claim({ db, leaseMs, clock }: Deps, member: MemberId | undefined): Promise<Due[]> {
  const now = clock();
  const { rows } = await db.raw<{ rows: MemberRow[] }>(
    `update members set due_at = ?, attempts = attempts + 1
     where (organization_id, user_id) in (
       select organization_id, user_id from members
       where due_at <= ? and (?::text is null or (organization_id = ? and user_id = ?))
       order by due_at limit ? for update skip locked
     )
     returning organization_id, user_id, revision, attempts`,
    [
      new Date(now.getTime() + leaseMs),
      now,
      member?.organizationId ?? null,
      member?.organizationId ?? null,
      member?.userId ?? null,
      BATCH,
    ],
  );
  return rows.map((row) => ({
    organizationId: row.organization_id,
    userId: row.user_id,
    revision: row.revision,
    attempts: row.attempts,
  }));
}

function backoffMs(attempts: number): number {
  return Math.min(BACKOFF_BASE_MS * 2 ** Math.min(attempts, 16), BACKOFF_MAX_MS) * (0.5 + Math.random() / 2);
}
