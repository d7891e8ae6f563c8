import { expect, test } from 'vitest';
import { makeAskForMembers } from '../../src/members/ask-for-members.ts';
import type { WorkosMember, WorkosRole } from '../../src/workos/entities.ts';
import { minute, startMirror } from '../support/mirror.ts';
import { plainItems } from '../support/plain-items.ts';

const { db, clock, mirrorMembers } = await startMirror();
const ORGANIZATION = 'org_roles';
const role = (permissions: string[], at: number): WorkosRole => ({
  slug: 'member',
  organizationId: undefined,
  permissions,
  updatedAt: minute(at),
});
const member = (userId: string): WorkosMember & { email: undefined } => ({
  organizationId: ORGANIZATION,
  userId,
  active: true,
  roles: ['member'],
  updatedAt: minute(30),
  email: undefined,
});

test('applies a role that is narrowed during the questions to every member', async () => {
  await db('members').insert(
    ['user_1', 'user_2'].map((user_id) => ({
      organization_id: ORGANIZATION,
      user_id,
      active: true,
      member_as_of: minute(0),
      due_at: minute(0),
      created_at: minute(0),
      updated_at: minute(0),
    })),
  );
  let now = role(['read', 'write'], 10);
  const answered = Promise.withResolvers<void>();
  const { askDue } = makeAskForMembers({
    db,
    mirrorMembers,
    items: plainItems,
    workos: {
      heldMs: () => 0,
      async findMember(_organization, userId) {
        // The second answer comes after the role was read for the first, if it is, and narrowed.
        if (userId === 'user_2') await Promise.race([answered.promise, new Promise((done) => setTimeout(done, 100))]);
        if (userId === 'user_2') now = role(['read'], 20);
        return member(userId);
      },
      findRole() {
        const answer = now;
        answered.resolve();
        return Promise.resolve(answer);
      },
    },
    announce: () => Promise.resolve(),
    noteAccount: () => Promise.resolve(),
    turn: () => Promise.resolve(),
    leaseMs: 60_000,
    clock,
  });
  await askDue();
  await db.transaction((trx) => mirrorMembers.roleChanged(trx, role(['read'], 20), false));
  const rows = await db('members').where({ organization_id: ORGANIZATION }).orderBy('user_id');
  expect(rows.map(({ permissions }) => permissions)).toEqual([['read'], ['read']]);
});
