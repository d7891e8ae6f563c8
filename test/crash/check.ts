import type { Pool } from 'pg';
import { checkRotations } from '../interleavings/check-rotations.ts';
import type { Acted } from './act.ts';
import { chainFaults } from './audit-chain.ts';
import type { AuditRow } from './audit-chain.ts';
import { checkForwarded } from './check-forwarded.ts';
import { checkBillingWebhooks } from './check-billing-webhooks.ts';
import { checkWebhooks } from './check-webhooks.ts';
import type { KnownKey } from './client.ts';
import { send } from './http.ts';
import type { Try } from './receiver.ts';
import type { KeyThere, Workos } from './workos.ts';

type Deps = {
  url: () => string;
  token: string;
  sql: Pool;
  workos: Workos;
  /** The service's, by which the audit log is chained. */
  secret: string;
  organizationId: string;
  /** The person whose keys clients make, if they are one. */
  userId: string | undefined;
  outgoing: readonly Try[];
};

type Row = {
  id: string;
  workos_id: string | null;
  origin: string;
  status: string;
  label: string;
  owner_user_id: string | null;
  expires_at: Date | null;
  rotated_from: string | null;
  rotated_to: string | null;
  workos_deleted_at: Date | null;
};

type Seen = { rows: Row[]; there: KeyThere[]; events: AuditRow[]; acted: Acted; now: Date };

const MARKED = / \[lk:([0-9A-Z]{26}):[0-9a-f]{12}\]$/;

/**
 * Compares WorkOS's list, the mirror, the audit log, the quota and what clients, billing, a receiver and Audit Logs
 * got, with statements and requests of its own. @returns one line for each thing that is not as promised
 */
export async function check(deps: Deps, acted: Acted): Promise<string[]> {
  const { sql, organizationId, workos } = deps;
  const unread = await unreadEvents(deps);
  const where = { values: [organizationId] };
  const { rows } = await sql.query<Row>({ text: 'select * from api_keys where organization_id = $1', ...where });
  const { rows: events } = await sql.query<AuditRow>({
    text: 'select * from audit_events where organization_id = $1 order by sequence',
    ...where,
  });
  const { rows: heads } = await sql.query<{ sequence: string; hash: Buffer }>({
    text: 'select sequence, hash from audit_chain_heads where organization_id = $1',
    ...where,
  });
  const secrets = new Set([...acted.received, ...acted.foreign].map(({ value }) => value));
  const seen: Seen = { rows, there: await workos.listKeys(deps), events, acted, now: new Date() };
  return [
    ...unread,
    ...bothSides(seen),
    ...nothingUnknown(seen),
    ...foreignKeysStand(seen),
    ...chainFaults(events, heads[0], deps.secret),
    ...(await checkRotations(deps, rows)),
    ...oneEventEach(seen),
    ...(await quota(deps, seen)),
    ...(await promises(deps, acted)),
    ...(await checkBillingWebhooks(deps, acted.billed, events, secrets)),
    ...(await checkWebhooks(deps, deps.outgoing, events, secrets)),
    ...(await checkForwarded(deps, events, secrets)),
  ];
}

async function unreadEvents({ sql, workos }: Deps): Promise<string[]> {
  const { rows } = await sql.query<{ cursor: string | null }>('select cursor from event_cursors');
  const after = rows[0]?.cursor;
  if (typeof after !== 'string') return [];
  const types = 'api_key.created,api_key.updated,api_key.revoked,organization.created,organization.updated';
  const { body } = await workos.ask('GET', `/events?limit=1&events=${types}&after=${after}`);
  return (body['data'] as unknown[]).length > 0 ? ['events of WorkOS wait to be read'] : [];
}

/** Every key that carries our marker is an active row here; every row is there as it says. */
function bothSides({ rows, there, now }: Seen): string[] {
  const faults: string[] = [];
  const byId = new Map(there.map((key) => [key.id, key]));
  for (const key of there) {
    const rowId = MARKED.exec(key.name)?.[1];
    const row = rows.find((candidate) => candidate.id === rowId);
    if (row && (row.status !== 'active' || row.workos_id !== key.id)) {
      faults.push(`orphan: ${key.id} is at WorkOS and its row is ${row.status}`);
    }
  }
  for (const row of rows) {
    const key = row.workos_id === null ? undefined : byId.get(row.workos_id);
    if (row.status === 'provisioning') faults.push(`row ${row.id} is still provisioning`);
    if (row.status === 'active' && !key) faults.push(`${row.workos_id} is active here and not at WorkOS`);
    if (row.status === 'revoked' && key) faults.push(`${row.workos_id} is revoked here and still at WorkOS`);
    if (row.status === 'revoked' && !row.workos_deleted_at) faults.push(`${row.workos_id}: deletion not confirmed`);
    if (row.status === 'active' && key && !sameEnd(row.expires_at, key.expires_at, now)) {
      faults.push(`${row.workos_id} ends ${row.expires_at?.toISOString()} here and ${key.expires_at} at WorkOS`);
    }
  }
  return faults;
}

/** An end without grace takes effect at each side when that side receives it. */
function sameEnd(here: Date | null, there: string | null, now: Date): boolean {
  if (here === null || there === null) return here === there;
  return here.toISOString() === there || (here <= now && new Date(there) <= now);
}

/** Exactly the keys whose secrets a client or the dashboard got work. */
function nothingUnknown({ rows, there, acted, now }: Seen): string[] {
  const known = new Set([
    ...acted.received.filter(({ state }) => state === 'live' || state === 'in_grace').map(({ id }) => id),
    ...acted.foreign.map(({ id }) => id),
  ]);
  const here = rows.filter((row) => row.status === 'active' && (!row.expires_at || row.expires_at > now));
  const live = there.filter(({ expires_at: end }) => end === null || new Date(end) > now);
  const unknownHere = here.filter((row) => !known.has(row.workos_id ?? '') && !inGrace(row));
  const hereIds = new Set(here.map((row) => row.workos_id));
  const unknownThere = live.filter(({ id }) => !known.has(id) && !hereIds.has(id));
  return [
    ...unknownHere.map((row) => `${row.workos_id} (${row.label}) works, but no client got its secret`),
    ...unknownThere.map(({ id, name }) => `orphan: ${id} (${name}) works at WorkOS and is not known here`),
  ];
}

/** A key between two rotations whose answers were lost ends by itself. */
function inGrace(row: Row): boolean {
  return row.rotated_to !== null && row.expires_at !== null;
}

function foreignKeysStand({ rows, there, acted }: Seen): string[] {
  return acted.foreign.flatMap(({ id }) => {
    const row = rows.find((candidate) => candidate.workos_id === id);
    return [
      ...(there.some((key) => key.id === id) ? [] : [`the key ${id}, which is not ours, is gone at WorkOS`]),
      ...(row?.status === 'active' && row.origin === 'workos' ? [] : [`${id}, made at WorkOS, is not mirrored`]),
    ];
  });
}

function oneEventEach({ rows, events, acted }: Seen): string[] {
  const faults: string[] = [];
  const count = (action: string, id: string | null) =>
    events.filter((event) => event.action === action && event.target_id === id).length;
  const expect = (action: string, id: string | null, wanted: number) => {
    const found = count(action, id);
    if (found !== wanted) faults.push(`audit: ${found} × ${action} of ${id} instead of ${wanted}`);
  };
  for (const row of rows.filter(({ workos_id: id }) => id !== null)) {
    expect('api_key.created', row.workos_id, 1);
    expect('api_key.revoked', row.workos_id, row.status === 'revoked' ? 1 : 0);
    expect('api_key.rotated', row.workos_id, row.rotated_to === null ? 0 : 1);
    expect('api_key.expiry_changed', row.workos_id, 0);
    const { suspended = 0, resumed = 0 } = acted.suspensions.get(row.workos_id ?? '') ?? {};
    expect('api_key.suspended', row.workos_id, suspended);
    expect('api_key.resumed', row.workos_id, resumed);
    const asked = acted.updates.get(row.workos_id ?? '') ?? 0;
    const updated = count('api_key.updated', row.workos_id);
    const shouldBeNone = asked === 0 && !acted.maybeUpdated.has(row.workos_id ?? '');
    if (shouldBeNone ? updated !== 0 : updated < asked) faults.push(`audit: ${updated} changes of ${row.workos_id}`);
  }
  const known = new Set(rows.map((row) => row.workos_id));
  const strays = events.filter((event) => event.target_kind === 'api_key' && !known.has(event.target_id));
  return [...faults, ...strays.map((event) => `audit: ${event.action} of ${event.target_id}, which is no key`)];
}

/** Counts keys three ways: from the answers to clients, from the mirror and from the API. */
async function quota({ url, token, userId }: Deps, { rows, acted, now }: Seen): Promise<string[]> {
  const received = acted.received.filter(({ state }) => state === 'live').length + acted.foreign.length;
  const counted = rows.filter(
    (row) => row.status === 'active' && (!row.expires_at || row.expires_at > now) && row.rotated_to === null,
  );
  const answer = await send(url(), 'GET', '/v1/organization', { token });
  const said = (answer?.body['usage'] as { api_keys: number } | undefined)?.api_keys;
  // What people have is counted apart.
  const own = userId === undefined ? counted.length : acted.foreign.length;
  return received === counted.length && own === said
    ? []
    : [`quota: clients got ${received} keys, ${counted.length} are in the mirror, the API says ${said} of ${own}`];
}

async function promises(deps: Deps, { received, foreign }: Acted): Promise<string[]> {
  const faults: string[] = [];
  for (const key of received) faults.push(...(await promise(deps, key)));
  for (const key of foreign) {
    if ((await statusOf(deps, key.value)) !== 200) faults.push(`${key.id}, made at WorkOS, does not work here`);
  }
  return faults;
}

async function promise(deps: Deps, { id, value, state, suspended = false }: KnownKey): Promise<string[]> {
  const works = state === 'live' || state === 'in_grace';
  const here = await statusOf(deps, value);
  const there = await deps.workos.works(value);
  return [
    ...(here === (works && !suspended ? 200 : 401)
      ? []
      : [`${id} is ${state}${suspended ? ', suspended' : ''} for its client and gets ${here}`]),
    ...(there === works ? [] : [`${id} is ${state} for its client and ${there ? 'works' : 'does not work'} at WorkOS`]),
  ];
}

async function statusOf({ url }: Deps, value: string): Promise<number | undefined> {
  return (await send(url(), 'GET', '/v1/me/session', { token: value }))?.status;
}
