import { z } from 'zod';
import type { Clock } from '../clock.ts';
import { timestamp } from '../clock.ts';
import { coded } from '../http/http-error.ts';
import { listBody, readPageQuery, selectPage } from '../http/page.ts';
import { parse } from '../http/parse.ts';
import type { Reply, Route } from '../http/route.ts';
import { readJson } from '../state/json.ts';
import type { Store } from '../state/store.ts';
import type { Ids } from '../ulid.ts';

type Deps = { store: Store; ids: Ids; clock: Clock };
type ActionRow = { id: string; position: string; name: string; created_at: string; updated_at: string };
type SchemaRow = { id: string; position: string; action: string; version: number; body: string; created_at: string };

const JsonSchema = z.looseObject({
  type: z.literal('object').optional(),
  properties: z.record(z.string(), z.looseObject({ type: z.string().optional() })).default({}),
  required: z.array(z.string()).default([]),
  additionalProperties: z.boolean().default(true),
});
const Body = z.object({
  actor: z.object({ metadata: JsonSchema }).optional(),
  targets: z.array(z.object({ type: z.string().min(1), metadata: JsonSchema.optional() })).min(1),
  metadata: JsonSchema.optional(),
});
type Schema = z.output<typeof Body>;
type Event = {
  action: string;
  version?: number | undefined;
  targets: { type: string }[];
  metadata?: object | undefined;
};

export function auditSchemaRoutes(deps: Deps): Route[] {
  const access = 'environment';
  const path = '/audit_logs/actions/:action/schemas';
  return [
    { method: 'get', path: '/audit_logs/actions', access, handle: ({ query }) => listActions(deps, query) },
    {
      method: 'get',
      path,
      access,
      handle: ({ params, query }) => listSchemas(deps, params['action']!, query),
    },
    { method: 'post', path, access, handle: ({ params, body }) => create(deps, params['action']!, parse(Body, body)) },
  ];
}

function create({ store, ids, clock }: Deps, action: string, schema: Schema): Reply {
  const now = timestamp(clock);
  const position = ids.ulid();
  store.run(
    `insert into audit_actions (id, position, name, created_at, updated_at) values (?, ?, ?, ?, ?)
     on conflict (name) do update set updated_at = excluded.updated_at`,
    `audit_log_action_${position}`,
    position,
    action,
    now,
    now,
  );
  const version = (latest({ store }, action)?.version ?? 0) + 1;
  const row: SchemaRow = {
    id: `audit_log_schema_${position}`,
    position,
    action,
    version,
    body: JSON.stringify(schema),
    created_at: now,
  };
  store.run(
    'insert into audit_schemas (id, position, action, version, body, created_at) values (?, ?, ?, ?, ?, ?)',
    row.id,
    position,
    action,
    version,
    row.body,
    now,
  );
  return { status: 201, body: toSchema(row) };
}

function listActions({ store }: Deps, query: URLSearchParams): Reply {
  const selection = { table: 'audit_actions', where: 'true', values: [] };
  const page = selectPage<ActionRow>(store, selection, readPageQuery(query));
  const data = page.rows.map(({ name, created_at, updated_at }) => ({
    object: 'audit_log_action',
    name,
    schema: toSchema(latest({ store }, name)!),
    created_at,
    updated_at,
  }));
  return { status: 200, body: listBody(data, page) };
}

function listSchemas({ store }: Deps, action: string, query: URLSearchParams): Reply {
  const selection = { table: 'audit_schemas', where: 'action = ?', values: [action] };
  const page = selectPage<SchemaRow>(store, selection, readPageQuery(query));
  const data = page.rows.map((row) => toSchema(row));
  return { status: 200, body: listBody(data, page) };
}

const latest = ({ store }: Pick<Deps, 'store'>, action: string): SchemaRow | undefined =>
  store.get<SchemaRow>('select * from audit_schemas where action = ? order by version desc limit 1', action);

function toSchema({ version, body, created_at }: SchemaRow): object {
  const { actor, targets, metadata } = readJson<Schema>(body);
  return {
    object: 'audit_log_schema',
    version,
    ...(actor && { actor }),
    targets,
    ...(metadata && { metadata }),
    created_at,
  };
}

/** Throws 400 for an event that its action's schema version refuses, or whose action has no schema. */
export function assertFitsSchema({ store }: Pick<Deps, 'store'>, event: Event): void {
  const row = store.get<SchemaRow>(
    'select * from audit_schemas where action = ? and version = ?',
    event.action,
    event.version ?? 0,
  );
  const errors = row === undefined ? ['/version'] : misfits(readJson<Schema>(row.body), event);
  if (errors.length === 0) return;
  const details = { errors: errors.map((instancePath) => ({ instancePath })) };
  throw coded(400, 'invalid_audit_log_event', 'Invalid Audit Log event.', details);
}

function misfits({ targets, metadata: schema }: Schema, event: Event): string[] {
  const known = new Set(targets.map(({ type }) => type));
  const wrongTargets = event.targets.flatMap(({ type }, i) => (known.has(type) ? [] : [`/targets/${i}/type`]));
  if (!schema) return wrongTargets;
  const given = Object.entries(event.metadata ?? {});
  const wrong = given.filter(([name, value]) => {
    const type = schema.properties[name]?.type;
    return type === undefined ? !(name in schema.properties) && !schema.additionalProperties : typeof value !== type;
  });
  const missing = schema.required.filter((name) => !given.some(([one]) => one === name));
  return [...wrongTargets, ...[...wrong.map(([name]) => name), ...missing].map((name) => `/metadata/${name}`)];
}
