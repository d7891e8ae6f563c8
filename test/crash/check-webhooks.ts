import type { Pool } from 'pg';
import type { AuditRow } from './audit-chain.ts';
import type { Try } from './receiver.ts';
import { showsSecret } from './secrets.ts';

type Deps = { sql: Pool; organizationId: string };
type Row = { id: string; body: string; status: string };
type Notice = Pick<Try, 'type' | 'subject'> & { maybe?: boolean };

const OF_KEYS = ['api_key.created', 'api_key.rotated', 'api_key.revoked'];
const POSTURE_CHANGED = 'organization.posture_changed';

/** Compares what a receiver was told with the audit log, which has each committed change in its place, and the outbox. */
export async function checkNotices(
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
  const told = tries.filter(({ id }, i) => tries.findIndex((one) => one.id === id) === i);
  return [
    ...sameEachTime(tries, told),
    ...outbox(rows, tries, told),
    ...asItHappened(told, happened(events)),
    ...told.filter(({ text }) => showsSecret(text, secrets)).map(({ id }) => `${id} has a secret in it`),
  ];
}

function sameEachTime(tries: readonly Try[], told: readonly Try[]): string[] {
  const texts = new Map(told.map(({ id, text }) => [id, text]));
  return tries.filter(({ id, text }) => texts.get(id) !== text).map(({ id }) => `${id} came with two bodies`);
}

function outbox(rows: readonly Row[], tries: readonly Try[], told: readonly Try[]): string[] {
  const taken = new Set(tries.filter((one) => one.taken).map(({ id }) => id));
  const bodies = new Map(rows.map(({ id, body }) => [id, body]));
  const left = rows.filter(({ status }) => status !== 'delivered');
  const untaken = rows.filter(({ id, status }) => status === 'delivered' && !taken.has(id));
  const unwritten = told.filter(({ id, text }) => bodies.get(id) !== text);
  return [
    ...left.map(({ id, status }) => `outbox: ${id} is ${status}`),
    ...untaken.map(({ id }) => `outbox: ${id} counts as delivered and nobody took it`),
    ...unwritten.map(({ id }) => `${id} is not in the outbox as it was told`),
  ];
}

/** What the audit log has to be told of, in its order. */
function happened(events: readonly AuditRow[]): Notice[] {
  let posture = 'active';
  return events.flatMap(({ action, target_id: subject, details }) => {
    if (OF_KEYS.includes(action)) return [{ type: action, subject }];
    // Whether anything was told of the organization before it came depends on who was faster.
    if (action === 'organization.created')
      return [{ type: POSTURE_CHANGED, subject: 'unknown to active', maybe: true }];
    if (action !== 'organization.billing_changed') return [];
    const before = posture;
    posture = (details as { after: { status: string } }).after.status;
    return before === posture ? [] : [{ type: POSTURE_CHANGED, subject: `${before} to ${posture}` }];
  });
}

function asItHappened(told: readonly Notice[], happened: readonly Notice[]): string[] {
  const names = told.map(nameOf);
  const wanted = happened.filter((one) => !one.maybe || names.includes(nameOf(one))).map(nameOf);
  const missing = without(wanted, names);
  const extra = without(names, wanted);
  const swapped = names.findIndex((name, i) => name !== wanted[i]);
  if (missing.length > 0 || extra.length > 0 || swapped === -1) {
    return [
      ...missing.map((name) => `notices: ${name} was never told`),
      ...extra.map((name) => `notices: ${name} was told and did not happen`),
    ];
  }
  return [`notices: ${names[swapped]} was told where ${wanted[swapped]} belongs`];
}

function nameOf({ type, subject }: Notice): string {
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
