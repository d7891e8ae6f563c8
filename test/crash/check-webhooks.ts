import type { Pool } from 'pg';
import type { AuditRow } from './audit-chain.ts';
import type { Try } from './receiver.ts';
import { showsSecret } from './secrets.ts';

type Deps = { sql: Pool; organizationId: string };
type Row = { id: string; body: string; status: string };
type Event = Pick<Try, 'type' | 'subject'> & { maybe?: boolean };

const OF_KEYS = ['api_key.created', 'api_key.rotated', 'api_key.revoked', 'api_key.suspended', 'api_key.resumed'];
const POSTURE_CHANGED = 'organization.posture_changed';

/** Compares the webhooks that a receiver got with the outbox and the audit log, which has each committed change in order. */
export async function checkWebhooks(
  { sql, organizationId }: Deps,
  tries: readonly Try[],
  events: readonly AuditRow[],
  secrets: ReadonlySet<string>,
): Promise<string[]> {
  const { rows } = await sql.query<Row>(
    `select id, body, status from outbox where organization_id = $1 and endpoint <> 'workos'`,
    [organizationId],
  );
  // In the order in which each id came first.
  const received = tries.filter(({ id }, i) => tries.findIndex((one) => one.id === id) === i);
  return [
    ...sameEachTime(tries, received),
    ...outbox(rows, tries, received),
    ...asItHappened(received, happened(events)),
    ...received.filter(({ text }) => showsSecret(text, secrets)).map(({ id }) => `${id} has a secret in it`),
  ];
}

function sameEachTime(tries: readonly Try[], received: readonly Try[]): string[] {
  const texts = new Map(received.map(({ id, text }) => [id, text]));
  return tries.filter(({ id, text }) => texts.get(id) !== text).map(({ id }) => `${id} came with two bodies`);
}

function outbox(rows: readonly Row[], tries: readonly Try[], received: readonly Try[]): string[] {
  const taken = new Set(tries.filter((one) => one.taken).map(({ id }) => id));
  const bodies = new Map(rows.map(({ id, body }) => [id, body]));
  const left = rows.filter(({ status }) => status !== 'delivered');
  const untaken = rows.filter(({ id, status }) => status === 'delivered' && !taken.has(id));
  const unwritten = received.filter(({ id, text }) => bodies.get(id) !== text);
  return [
    ...left.map(({ id, status }) => `outbox: ${id} is ${status}`),
    ...untaken.map(({ id }) => `outbox: ${id} is marked as delivered, but no receiver accepted it`),
    ...unwritten.map(({ id }) => `${id} differs from its row in the outbox`),
  ];
}

/** The events that the audit log requires, in its order. */
function happened(events: readonly AuditRow[]): Event[] {
  let posture = 'active';
  return events.flatMap(({ action, target_id: subject, details }) => {
    if (OF_KEYS.includes(action)) return [{ type: action, subject }];
    // Whether a webhook preceded the organization depends on which loop was faster.
    if (action === 'organization.created')
      return [{ type: POSTURE_CHANGED, subject: 'unknown to active', maybe: true }];
    if (action !== 'organization.billing_changed') return [];
    const before = posture;
    posture = (details as { after: { status: string } }).after.status;
    return before === posture ? [] : [{ type: POSTURE_CHANGED, subject: `${before} to ${posture}` }];
  });
}

function asItHappened(received: readonly Event[], happened: readonly Event[]): string[] {
  const names = received.map(nameOf);
  const wanted = happened.filter((one) => !one.maybe || names.includes(nameOf(one))).map(nameOf);
  const missing = without(wanted, names);
  const extra = without(names, wanted);
  const swapped = names.findIndex((name, i) => name !== wanted[i]);
  if (missing.length > 0 || extra.length > 0 || swapped === -1) {
    return [
      ...missing.map((name) => `webhooks: ${name} was never sent`),
      ...extra.map((name) => `webhooks: ${name} was sent and did not happen`),
    ];
  }
  return [`webhooks: ${names[swapped]} was sent where ${wanted[swapped]} belongs`];
}

function nameOf({ type, subject }: Event): string {
  return `${type} ${subject}`;
}

/** What is left of a list when each of the others is taken out once. */
function without(list: readonly string[], others: readonly string[]): string[] {
  const left = [...list];
  for (const other of others) {
    const i = left.indexOf(other);
    if (i !== -1) left.splice(i, 1);
  }
  return left;
}
