import { afterEach, expect, test } from 'vitest';
import type { Background } from '../../src/background/background.ts';
import {
  linkCustomer,
  newId,
  sendStripe,
  stripeEvent,
  subscription,
  tenantOf,
  HOOK_SECRETS,
} from '../billing/webhooks/send.ts';
import { createKey } from '../support/api.ts';
import { makeDashboardKey } from '../support/at-workos.ts';
import { inBothEnvironments } from '../support/both-environments.ts';
import { deadLettersOf, refuseFor } from '../support/poison.ts';
import { restartWith } from '../support/restart.ts';
import { startService } from '../support/service.ts';
import { startTestEnvironment } from '../support/test-environment.ts';

const there = await startTestEnvironment();
const ENV = { ...there.env, ...HOOK_SECRETS, LATCHKEY_SECRET: 'a secret that outlives the restart of this test' };
const service = await startService(ENV, {
  product: { api_keys: { prefixes: ['sk_'], owners: ['organization', 'user'] } },
});
const { db, clock, workos } = service;
/** More than any of these loops takes at a time, with the one that fails among them. */
const COUNT = 24;
const FAILS = 3;
const ATTEMPTS = 8;
const BACKOFF_MS = 61 * 60_000;

afterEach(() => {
  workos.faults.clear();
  there.workos.faults.clear();
});

type Organization = Awaited<ReturnType<typeof service.organizations.add>>;

/** Organizations, of which one will fail for good. */
async function addMany(billing?: null): Promise<{ all: Organization[]; bad: Organization; good: Organization[] }> {
  const all: Organization[] = [];
  while (all.length < COUNT) all.push(await service.organizations.add(billing));
  return { all, bad: all[FAILS]!, good: all.filter((_one, n) => n !== FAILS) };
}

type Trial = {
  background?: Background;
  loop: string;
  bad: { id: string };
  /** Whether what the loop is to do of an organization is done. */
  isDone: (organizationId: string) => Promise<boolean>;
  good: readonly { id: string }[];
  mend: () => Promise<void> | void;
};

/** Steps a loop until its item that fails is a dead letter, which a command then makes due. @returns what is seen on the way */
async function play({ background = service.background, loop, bad, good, isDone, mend }: Trial) {
  const letters = deadLettersOf(background, loop);
  const step = async () => {
    await background.runOnce(loop);
    const others = await Promise.all(good.map(({ id }) => isDone(id)));
    return {
      othersLeft: others.filter((isOne) => !isOne).length,
      isDone: await isDone(bad.id),
      dead: await letters.count(),
    };
  };
  const first = await step();
  let last = first;
  for (let attempt = 2; attempt <= ATTEMPTS; attempt++) {
    if (last.dead > 0) throw new Error(`it was a dead letter before attempt ${attempt}`);
    clock.advance(BACKOFF_MS);
    last = await step();
  }
  const listed = await letters.list({ organizationId: undefined, limit: 10 });
  await mend();
  // It would be tried again once a day.
  const mended = await step();
  const wasThere = await letters.retry(listed[0]?.item ?? '');
  return { first, last, listed, mended, wasThere, retried: await step() };
}

/** One step does all others, and from the eighth failure on the one that fails is a dead letter until a command retries it. */
const asPromised = (loop: string) => ({
  first: { othersLeft: 0, isDone: false, dead: 0 },
  last: { othersLeft: 0, isDone: false, dead: 1 },
  listed: [expect.objectContaining({ loop, attempts: ATTEMPTS, deadAt: expect.any(Date) })],
  mended: { othersLeft: 0, isDone: false, dead: 1 },
  wasThere: true,
  retried: { othersLeft: 0, isDone: true, dead: 0 },
});

const isAsked = async (organization_id: string) =>
  (await db('members').where({ organization_id }).whereNotNull('due_at')).length === 0;
const isActive = async (id: string) => (await tenantOf(service, id)).billing_status === 'active';
const isTold = async (organization_id: string) =>
  (await db('audit_events').where({ organization_id, action: 'permission_set.changed' })).length === 1;
const isMirrored = async (organization_id: string) =>
  (await db('api_keys').where({ organization_id, environment: 'test', origin: 'workos' })).length === 1;

test('members: WorkOS refuses one role for good', async () => {
  const { all, bad, good } = await addMany();
  for (const each of all) await createKey(service, await each.session(), { owner: 'user' });
  const path = `/authorization/organizations/${bad.id}/roles`;
  workos.faults.add({ kind: 'status', status: 422, method: 'GET', path, times: 0 });
  const seen = await play({ loop: 'members', bad, good, isDone: isAsked, mend: () => workos.faults.clear() });
  expect(seen).toEqual(asPromised('members'));
});

test('configuration: the audit log refuses one organization for good', async () => {
  const { all, bad, good } = await addMany();
  for (const each of all) await createKey(service, await each.session());
  await service.background.runOnce('configuration');
  const sets = service.parts.product.permission_sets.map((set) =>
    set.name === 'read_only' ? { ...set, scopes: ['workspace:read', 'audit:read', 'tasks:write'] } : set,
  );
  const mend = await refuseFor(db, bad.id, 'audit_events');
  const { background } = await restartWith(service, ENV, { permission_sets: sets });
  const seen = await play({ background, loop: 'configuration', bad, good, isDone: isTold, mend });
  expect(seen).toEqual(asPromised('configuration'));
});

test('apply_waiting_hooks: the audit log refuses one organization for good', async () => {
  const { all, bad, good } = await addMany(null);
  const customers = all.map(() => newId('cus'));
  for (const customer of customers) {
    const object = subscription({ id: `sub_${customer}`, customer, status: 'active' });
    await sendStripe(service, stripeEvent('customer.subscription.updated', object), { sentAt: clock().getTime() });
  }
  for (const [n, { id }] of all.entries()) await linkCustomer(service, id, customers[n]);
  const mend = await refuseFor(db, bad.id, 'audit_events');
  const seen = await play({ loop: 'apply_waiting_hooks', bad, good, isDone: isActive, mend });
  expect(seen).toEqual(asPromised('apply_waiting_hooks'));
});

test('test_events: the mirror refuses one organization for good', async () => {
  const { all, bad, good } = await addMany();
  for (const acme of all) await createKey(service, await acme.session(), { environment: 'test' });
  await service.background.runOnce('test_events');
  for (const acme of all) {
    const { testOrganization } = inBothEnvironments(service, there, () => ({ acme, owner: '' }));
    await makeDashboardKey(there, (await testOrganization()).id);
  }
  const mend = await refuseFor(db, bad.id, 'api_keys');
  const seen = await play({ loop: 'test_events', bad, good, isDone: isMirrored, mend });
  expect(seen).toEqual(asPromised('test_events'));
});
