import type { Knex } from 'knex';
import { makeBoundedCache } from '../bounded-cache.ts';

import type { WorkosGateway } from '../workos/gateway.ts';
import type { MemberId, MemberRow } from './member-row.ts';

type Deps = {
  db: Knex;
  workos: Pick<WorkosGateway, 'findMember'>;
  /** Waits for the rate limit of calls to WorkOS. */
  turn: () => Promise<void>;
};

/** Finds which of these users are members now, by `memberName`, with WorkOS's time of that. */
export type FindMembers = (members: readonly MemberId[]) => Promise<ReadonlyMap<string, Date>>;

const MAX_REMEMBERED = 100_000;
const AT_ONCE = 10;

export function memberName({ organizationId, userId }: MemberId): string {
  return `${organizationId}/${userId}`;
}

/** Looks in the mirror, and asks WorkOS once about each user whose permissions that does not know. */
export function makeFindMembers({ db, workos, turn }: Deps): FindMembers {
  const asked = makeBoundedCache<{ asOf: Date | undefined }>({ max: MAX_REMEMBERED });

  async function ask(member: MemberId): Promise<Date | undefined> {
    const known = asked.get(memberName(member));
    if (known) return known.asOf;
    await turn();
    const found = await workos.findMember(member.organizationId, member.userId);
    const asOf = found?.active === true ? found.updatedAt : undefined;
    asked.set(memberName(member), { asOf });
    return asOf;
  }

  return async function findMembers(members) {
    const found = await readMembers(db, members);
    const unknown = new Map(members.map((member) => [memberName(member), member]));
    for (const name of found.keys()) unknown.delete(name);
    const rest = [...unknown];
    for (let from = 0; from < rest.length; from += AT_ONCE) {
      const some = rest.slice(from, from + AT_ONCE);
      const answers = await Promise.all(some.map(async ([name, member]) => [name, await ask(member)] as const));
      for (const [name, asOf] of answers) if (asOf) found.set(name, asOf);
    }
    return found;
  };
}

async function readMembers(db: Knex, members: readonly MemberId[]): Promise<Map<string, Date>> {
  if (members.length === 0) return new Map();
  const { rows } = await db.raw<{ rows: Pick<MemberRow, 'organization_id' | 'user_id' | 'member_as_of'>[] }>(
    `select organization_id, user_id, member_as_of from members
     where active and permissions is not null and (organization_id, user_id) in (select * from unnest(?::text[], ?::text[]))`,
    [members.map(({ organizationId }) => organizationId), members.map(({ userId }) => userId)],
  );
  return new Map(
    rows.map(({ organization_id: organizationId, user_id: userId, member_as_of: asOf }) => [
      memberName({ organizationId, userId }),
      asOf,
    ]),
  );
}
