import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { act, makeForeignKeys } from './act.ts';
import { check } from './check.ts';
import { makeClient } from './client.ts';
import { CLIENT_ID } from './rig.ts';
import type { Rig } from './rig.ts';
import type { Plan } from './plan.ts';
import { ANY_TIME } from './points.ts';
import { startEntry } from './processes.ts';
import type { Try } from './receiver.ts';
import { makeSender } from './sender.ts';
import type { Billed } from './sender.ts';
import { makeWorkos } from './workos.ts';
import type { Holder, Workos } from './workos.ts';

export type Verdict = {
  /** Empty: all is as promised. */
  findings: string[];
  /** Whether the service died at the ordered point. */
  died: boolean;
  /** From the last answer until all was settled, in milliseconds. */
  settledMs: number;
  counts: Counts;
};
/** What was sent, each once, and in how many tries. */
export type Counts = { incoming: number; incomingAttempts: number; outgoing: number; outgoingAttempts: number };

/** WorkOS is reachable: what is left over is gone by then. */
const SETTLED_WITHIN_MS = 30_000;
/** Long enough for a service that died at the last moment to be back, too short for what heals. */
const STAYS_WITHIN_MS = 2_000;
const LOOK_EVERY_MS = 150;

/** One trial: clients act, the service dies at the point of the plan and comes back, all is settled, all is checked. */
export async function runTrial(rig: Rig, plan: Plan): Promise<Verdict> {
  await rig.ready();
  rig.complaints();
  const findings: string[] = [];
  const workos = makeWorkos(rig);
  const organizationId = `org_${plan.seed.replaceAll(/\W/g, '_')}_${randomUUID().slice(0, 8)}`;
  await workos.clearFaults();
  const holder = { organizationId, userId: plan.personal ? `user_${organizationId.slice(4)}` : undefined };
  const token = await open(rig, workos, holder);
  const deathsBefore = rig.deaths();
  const outgoing = rig.receiver.keep(organizationId, plan.troubles);
  const secret = rig.env['LATCHKEY_SECRET']!;
  const deps = { url: rig.url, secret, token, sql: rig.sql, workos, ...holder, outgoing };
  const ways = { newId: randomUUID, complain: (what: string) => void findings.push(what) };
  const client = makeClient({ ...deps, ...ways, owner: plan.personal ? 'user' : 'organization' });
  const bill = makeSender({ ...deps, ...ways, secret: rig.billingSecret });
  const foreign = await makeForeignKeys(workos, organizationId, plan);
  for (const { asked, fault } of plan.faults) await workos.fault(asked, fault, holder);
  const over = arm(rig, plan, workos);
  const acted = await act({ client, workos, bill }, plan, foreign);
  await over;
  if (plan.reconcile) findings.push(...(await reconcile(rig, plan, organizationId)));
  await workos.clearFaults();
  const from = performance.now();
  const look = async () => {
    await rig.ready();
    return check(deps, acted);
  };
  const left = await settled(look, SETTLED_WITHIN_MS);
  // Once more, without deaths: what was right must stay so.
  rig.disarm();
  await sleep(LOOK_EVERY_MS);
  if (left.length === 0) left.push(...(await settled(look, STAYS_WITHIN_MS)));
  const died = rig.deaths() > deathsBefore || plan.reconcile;
  return {
    findings: [...findings, ...left, ...rig.complaints(), ...rig.receiver.complaints()],
    died,
    settledMs: performance.now() - from,
    counts: countsOf(acted.billed, outgoing),
  };
}

function countsOf({ incoming }: Billed, outgoing: readonly Try[]): Counts {
  return {
    incoming: incoming.length,
    incomingAttempts: incoming.reduce((sum, { tries }) => sum + tries, 0),
    outgoing: new Set(outgoing.map(({ id }) => id)).size,
    outgoingAttempts: outgoing.length,
  };
}

/** An organization of the trial's own. @returns a token of its machine client, or of the person */
async function open({ sql }: Rig, workos: Workos, { organizationId, userId }: Holder): Promise<string> {
  // Before WorkOS reports the organization, so that it never lacks billing. Its status changes come later.
  await sql.query(
    `insert into tenants (organization_id, billing_status, status_since, created_at, updated_at)
     values ($1, 'active', now() - interval '1 day', now(), now())`,
    [organizationId],
  );
  const organizations = [{ id: organizationId, name: organizationId }];
  const secret = 'a secret';
  if (userId === undefined) {
    const clientId = `client_ci_${organizationId}`;
    await workos.seed({
      organizations,
      machineClients: [{ clientId, secret, organizationId, scopes: ['apikeys:write'] }],
    });
    return workos.token(clientId, secret);
  }
  const email = `${userId}@trials.test`;
  await workos.seed({
    organizations,
    people: [{ id: userId, email, password: secret }],
    memberships: [{ id: `om_${userId}`, userId, organizationId, role: 'owner' }],
  });
  return workos.session(CLIENT_ID, email, secret);
}

async function arm(rig: Rig, plan: Plan, workos: Workos): Promise<void> {
  if (plan.point !== ANY_TIME && !plan.reconcile) rig.order({ point: plan.point, pass: plan.pass });
  await Promise.all([killLater(rig, plan), playOutage(workos, plan)]);
}

async function killLater(rig: Rig, { point, killAfterMs }: Plan): Promise<void> {
  if (point !== ANY_TIME) return;
  await sleep(killAfterMs);
  rig.kill();
}

async function playOutage(workos: Workos, { outageMs }: Plan): Promise<void> {
  if (outageMs === 0) return;
  await workos.takeDown();
  await sleep(outageMs);
  await workos.clearFaults();
}

/** Runs the command line until it dies at the point, then to its end. */
async function reconcile(rig: Rig, plan: Plan, organizationId: string): Promise<string[]> {
  const args = ['--organization', organizationId];
  const dying = startEntry('cli/reconcile.ts', { ...rig.env, DIE_AT: plan.point, DIE_AT_PASS: '1' }, args);
  const { signal } = await dying.exited;
  const whole = startEntry('cli/reconcile.ts', rig.env, args);
  const { code } = await whole.exited;
  return [
    ...(signal === 'SIGKILL' ? [] : [`the reconciliation did not come to ${plan.point}`]),
    ...(code === 0 || code === 2 ? [] : [`the reconciliation ended with ${code}: ${whole.complaints.join(' ')}`]),
  ];
}

/** Looks until nothing is left to complain of, or the time is over. */
async function settled(look: () => Promise<string[]>, withinMs: number): Promise<string[]> {
  const giveUpAt = performance.now() + withinMs;
  for (;;) {
    const findings = await look();
    if (findings.length === 0 || performance.now() >= giveUpAt) return findings;
    await sleep(LOOK_EVERY_MS);
  }
}
