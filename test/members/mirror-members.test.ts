import { expect, test } from 'vitest';
import type { WorkosMember } from '../../src/workos/entities.ts';
import type { WorkosEvent } from '../../src/workos/events/event.ts';
import { minute, startMirror } from '../support/mirror.ts';

const { db, apply, mirrorMembers, mirrorTenants, clock } = await startMirror();

let made = 0;

/** Someone who had a key at minute 0, and one at minute 35. */
async function startPerson() {
  const who = { organizationId: `org_${++made}`, userId: 'user_a' };
  await db.transaction(async (trx) => {
    await mirrorTenants.hold(trx, who.organizationId);
    await mirrorMembers.ownsKey(trx, who, minute(0));
  });
  for (const at of [0, 35])
    await db('api_keys').insert({
      organization_id: who.organizationId,
      id: `row_${at}`,
      workos_id: `api_key_${made}_${at}`,
      owner_user_id: who.userId,
      origin: 'workos',
      status: 'active',
      label: String(at),
      metadata: '{}',
      scopes: [],
      prefix: 'sk_...abcd',
      created_by_kind: 'workos',
      created_by_id: 'workos',
      created_at: minute(at),
      updated_at: clock(),
    });
  return who;
}

type Kind = 'created' | 'updated' | 'deleted';

function told(who: { organizationId: string; userId: string }, kind: Kind, at: number, role = 'a'): WorkosEvent {
  const member: WorkosMember = { ...who, active: true, roles: [role], updatedAt: minute(kind === 'deleted' ? 0 : at) };
  const common = { id: `event_${kind}_${at}`, createdAt: minute(at), actorId: undefined };
  return { ...common, type: `organization_membership.${kind}`, member };
}

function permutations<T>(items: readonly T[]): T[][] {
  if (items.length < 2) return [[...items]];
  return items.flatMap((item, i) => permutations(items.toSpliced(i, 1)).map((rest) => [item, ...rest]));
}

const stateOf = async ({ organizationId }: { organizationId: string }) => {
  const { active, roles, permissions } = await db('members').where({ organization_id: organizationId }).first();
  const keys = await db('api_keys').where({ organization_id: organizationId, status: 'active' }).pluck('label');
  return { active, permissions, keys, ...(active && { roles }) };
};

type Said = Parameters<typeof told> extends [unknown, ...infer Rest] ? Rest : never;
const ENDED: Said[] = [
  ['updated', 10, 'a'],
  ['updated', 20, 'b'],
  ['deleted', 40],
];
const AGAIN: Said[] = [
  ['updated', 10, 'b'],
  ['deleted', 20],
  ['created', 30, 'c'],
];

test.each(permutations(ENDED).map((order) => [order.map(([kind, at]) => `${kind} ${at}`).join(', '), order] as const))(
  'ends a membership in any order of events: %s',
  async (_name, order) => {
    const who = await startPerson();
    for (const said of [...order, ...order]) await apply(told(who, ...said));
    expect(await stateOf(who)).toEqual({ active: false, permissions: null, keys: [] });
  },
);

test.each(permutations(AGAIN).map((order) => [order.map(([kind, at]) => `${kind} ${at}`).join(', '), order] as const))(
  'keeps the keys of a membership that began again: %s',
  async (_name, order) => {
    const who = await startPerson();
    // The key of the second membership is not made before that has begun.
    await db('api_keys').where({ organization_id: who.organizationId, label: '35' }).delete();
    for (const said of [...order, ...order]) await apply(told(who, ...said));
    expect(await stateOf(who)).toEqual({ active: true, permissions: null, roles: ['c'], keys: [] });
  },
);

test('revokes no key that was made after a late end of membership', async () => {
  const who = await startPerson();
  await apply(told(who, 'created', 30, 'c'));
  await apply(told(who, 'deleted', 20));
  expect(await stateOf(who)).toEqual({ active: true, permissions: null, roles: ['c'], keys: ['35'] });
});

test('stores no row for users without keys', async () => {
  const who = { organizationId: 'org_nobody', userId: 'user_nobody' };
  for (const said of [...ENDED, ...AGAIN]) expect(await apply(told(who, ...said))).toBe('unchanged');
  expect(await db('members').where({ organization_id: who.organizationId })).toEqual([]);
});
