import { z } from 'zod';
import type { Clock } from '../clock.ts';
import { timestamp } from '../clock.ts';
import { notFound } from '../http/http-error.ts';
import { parse } from '../http/parse.ts';
import type { Reply, Route } from '../http/route.ts';
import type { OrganizationStore } from '../organizations/organization-store.ts';
import { readJson } from '../state/json.ts';
import type { Store } from '../state/store.ts';
import type { Ids } from '../ulid.ts';

type Deps = { store: Store; ids: Ids; clock: Clock; organizations: OrganizationStore; url: () => string };
type Row = { id: string; filter: string; created_at: string };
type EventRow = { id: string; event: string };
type Party = { id: string; type: string; name?: string };
type Event = {
  action: string;
  occurred_at: string;
  actor: Party;
  targets: Party[];
  context: { location: string; user_agent?: string };
  metadata?: object;
};

const texts = z.array(z.string()).optional();
const time = z.iso.datetime({ offset: true }).transform((value) => new Date(value).toISOString());
const Filter = z.object({
  organization_id: z.string().min(1),
  range_start: time,
  range_end: time,
  actions: texts,
  actor_names: texts,
  actor_ids: texts,
  targets: texts,
});
type Filter = z.output<typeof Filter>;

/** WorkOS documents that the file is CSV, but not its columns. */
const COLUMNS = 'id,action,occurred_at,actor_type,actor_id,actor_name,targets,location,user_agent,metadata';

export function auditExportRoutes(deps: Deps): Route[] {
  const access = 'environment';
  return [
    { method: 'post', path: '/audit_logs/exports', access, handle: ({ body }) => create(deps, parse(Filter, body)) },
    {
      method: 'get',
      path: '/audit_logs/exports/:id',
      access,
      handle: ({ params }) => ({ status: 200, body: view(deps, find(deps, params['id']!), 'ready') }),
    },
    {
      // The address is the credential, as at WorkOS.
      method: 'get',
      path: '/audit_log_exports/:id',
      access: 'public',
      handle: ({ params }) => ({
        status: 200,
        body: write(deps, readJson<Filter>(find(deps, params['id']!).filter)),
        headers: { 'content-type': 'text/csv; charset=utf-8' },
      }),
    },
  ];
}

function create(deps: Deps, filter: Filter): Reply {
  deps.organizations.get(filter.organization_id);
  const row = {
    id: deps.ids.make('audit_log_export'),
    filter: JSON.stringify(filter),
    created_at: timestamp(deps.clock),
  };
  deps.store.run(
    'insert into audit_exports (id, filter, created_at) values (?, ?, ?)',
    row.id,
    row.filter,
    row.created_at,
  );
  return { status: 201, body: view(deps, row, 'pending') };
}

function find({ store }: Deps, id: string): Row {
  const row = store.get<Row>('select * from audit_exports where id = ?', id);
  if (row === undefined) throw notFound('Audit Log Export', id);
  return row;
}

function view({ url }: Deps, { id, created_at }: Row, state: 'pending' | 'ready'): object {
  const file = state === 'ready' && { url: `${url()}/audit_log_exports/${id}` };
  return { object: 'audit_log_export', id, state, ...file, created_at, updated_at: created_at };
}

function write({ store }: Deps, filter: Filter): string {
  const rows = store.all<EventRow>(
    'select id, event from audit_events where organization_id = ? order by id',
    filter.organization_id,
  );
  const events = rows
    .map(({ id, event }) => ({ id, ...readJson<Event>(event) }))
    .filter((event) => matches(event, filter));
  return [COLUMNS, ...events.map(line)].join('\r\n') + '\r\n';
}

function matches(event: Event, { range_start: from, range_end: to, ...filter }: Filter): boolean {
  const at = new Date(event.occurred_at).toISOString();
  return (
    at >= from &&
    at <= to &&
    isIn(filter.actions, event.action) &&
    isIn(filter.actor_ids, event.actor.id) &&
    isIn(filter.actor_names, event.actor.name) &&
    isIn(filter.targets, ...event.targets.map(({ type }) => type))
  );
}

function isIn(wanted: readonly string[] | undefined, ...values: (string | undefined)[]): boolean {
  return wanted === undefined || values.some((value) => value !== undefined && wanted.includes(value));
}

function line({ id, action, occurred_at, actor, targets, context, metadata = {} }: Event & { id: string }): string {
  const { location, user_agent = '' } = context;
  const { type, name = '' } = actor;
  const cells = [id, action, occurred_at, type, actor.id, name, JSON.stringify(targets), location, user_agent];
  return [...cells, JSON.stringify(metadata)].map((cell) => (/[",\r\n]/.test(cell) ? quote(cell) : cell)).join(',');
}

function quote(cell: string): string {
  return `"${cell.replaceAll('"', '""')}"`;
}
