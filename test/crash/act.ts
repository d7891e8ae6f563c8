import { setTimeout as sleep } from 'node:timers/promises';
import type { Client, KnownKey } from './client.ts';
import type { Beside, Plan, Step } from './plan.ts';
import type { Billed, Sender } from './sender.ts';
import type { Workos } from './workos.ts';

export type Foreign = { id: string; value: string; name: string };
export type Acted = {
  received: KnownKey[];
  foreign: Foreign[];
  /** How often a change was asked for, by key; each may have been made, and at least one was. */
  updates: Map<string, number>;
  /** Keys of which a change was asked for that may have been refused after it was made. */
  maybeUpdated: Set<string>;
  /** How often a key was suspended and resumed. */
  suspensions: Map<string, { suspended: number; resumed: number }>;
  billed: Billed;
};

type Deps = { client: Client; workos: Workos; bill: Sender };

/** Carries out the plan: clients and billing at the same time, the steps of each in order. */
export async function act(deps: Deps, plan: Plan, foreign: Foreign[]): Promise<Acted> {
  const acted: Acted = {
    received: [],
    foreign,
    updates: new Map(),
    maybeUpdated: new Set(),
    suspensions: new Map(),
    billed: { from: new Date(), incoming: [] },
  };
  await Promise.all([
    ...plan.clients.map((steps, i) => live(deps, acted, `client ${i} of ${plan.seed}`, steps)),
    deps.bill(plan.incoming, acted.billed),
  ]);
  // Requests without a waiting client are over by then.
  const late = plan.faults.map(({ fault }) => (fault.kind === 'latency' ? fault.ms + 300 : 0));
  await sleep(Math.max(0, ...late));
  return acted;
}

async function live(
  { client, workos }: Omit<Deps, 'bill'>,
  acted: Acted,
  label: string,
  steps: readonly Step[],
): Promise<void> {
  let current: KnownKey | undefined;
  for (const step of steps) {
    if (step.kind === 'create') {
      current = await client.create(label, step.idempotent);
      acted.received.push(current);
    } else if (current && current.state !== 'revoked') {
      current = await change({ client, workos }, acted, current, step);
    }
  }
}

async function change(
  { client, workos }: Omit<Deps, 'bill'>,
  acted: Acted,
  key: KnownKey,
  step: Exclude<Step, { kind: 'create' }>,
): Promise<KnownKey> {
  if (step.kind === 'rotate') {
    const successor = await client.rotate(key.id, step.idempotent, step.graceSeconds);
    key.state = step.graceSeconds > 0 ? 'in_grace' : 'ended';
    acted.received.push(successor);
    return successor;
  }
  if (step.kind === 'race') return race(client, acted, key, step);
  if (step.kind === 'revoke') {
    await client.revoke(key.id);
    key.state = 'revoked';
  }
  if (step.kind === 'suspend') await suspend(client, acted, key, step.resumed);
  if (step.kind === 'update') {
    noteUpdate(acted, key);
    await client.update(key.id);
  }
  if (step.kind === 'delete_there') {
    await workos.deleteKey(key.id);
    key.state = 'deleted_there';
  }
  return key;
}

async function suspend(client: Client, { suspensions }: Acted, key: KnownKey, resumed: boolean): Promise<void> {
  const counts = suspensions.get(key.id) ?? { suspended: 0, resumed: 0 };
  suspensions.set(key.id, counts);
  await client.turn(key.id, 'suspend');
  counts.suspended += 1;
  key.suspended = true;
  if (!resumed) return;
  await client.turn(key.id, 'resume');
  counts.resumed += 1;
  key.suspended = false;
}

function noteUpdate({ updates }: Acted, { id }: KnownKey): void {
  updates.set(id, 1 + (updates.get(id) ?? 0));
}

/** All at once, so that each may come before, into or after each other. @returns the key that is left */
async function race(
  client: Client,
  acted: Acted,
  key: KnownKey,
  { graceSeconds, beside }: Extract<Step, { kind: 'race' }>,
): Promise<KnownKey> {
  const act: Record<Beside, () => Promise<void>> = {
    async restrict() {
      noteUpdate(acted, key);
      await client.restrict(key.id);
    },
    async move_end() {
      acted.maybeUpdated.add(key.id);
      await client.moveEnd(key.id);
    },
    revoke: () => client.revoke(key.id),
  };
  const [successor] = await Promise.all([
    client.rotateUnless(key.id, graceSeconds),
    ...beside.map((name) => act[name]()),
  ]);
  if (beside.includes('revoke')) key.state = 'revoked';
  else if (successor) key.state = graceSeconds > 0 ? 'in_grace' : 'ended';
  if (!successor) return key;
  acted.received.push(successor);
  return successor;
}

/** Creates keys as in WorkOS's dashboard. */
export async function makeForeignKeys(workos: Workos, organizationId: string, plan: Plan): Promise<Foreign[]> {
  const made: Foreign[] = [];
  for (const kind of plan.foreign) {
    const name = kind === 'plain' ? 'made in the dashboard' : 'x [lk:01ARZ3NDEKTSV4RRFFQ69G5FAV:0123456789ab]';
    made.push({ ...(await workos.makeKey(organizationId, name)), name });
  }
  return made;
}
