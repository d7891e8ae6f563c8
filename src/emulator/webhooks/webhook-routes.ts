import { z } from 'zod';
import type { Clock } from '../clock.ts';
import { timestamp } from '../clock.ts';
import type { HttpError } from '../http/http-error.ts';
import { coded } from '../http/http-error.ts';
import { listBody, readPageQuery, selectPage } from '../http/page.ts';
import { parse } from '../http/parse.ts';
import { randomAlphanumerics } from '../random-text.ts';
import type { Reply, Request, Route } from '../http/route.ts';
import type { Store } from '../state/store.ts';
import type { Ids } from '../ulid.ts';
import { EVENT_NAMES } from './event-names.ts';
import type { WebhookRow } from './webhook-store.ts';
import { findWebhook, findWebhookByUrl, toWebhookEndpoint } from './webhook-store.ts';

const SECRET_LENGTH = 32;

type Deps = { store: Store; ids: Ids; clock: Clock };

const Creation = z.object({ endpoint_url: z.string().max(2_048), events: z.array(z.enum(EVENT_NAMES)) });
const Update = Creation.partial().extend({ status: z.enum(['enabled', 'disabled']).optional() });

export function webhookRoutes(deps: Deps): Route[] {
  const access = 'environment';
  return [
    { method: 'get', path: '/webhook_endpoints', access, handle: ({ query }) => list(deps, query) },
    { method: 'post', path: '/webhook_endpoints', access, handle: ({ body }) => create(deps, body) },
    { method: 'patch', path: '/webhook_endpoints/:id', access, handle: (request) => update(deps, request) },
    { method: 'delete', path: '/webhook_endpoints/:id', access, handle: ({ params }) => remove(deps, params['id']!) },
  ];
}

function list({ store }: Deps, query: URLSearchParams): Reply {
  const page = selectPage<WebhookRow>(
    store,
    { table: 'webhook_endpoints', where: 'true', values: [] },
    readPageQuery(query),
  );
  return {
    status: 200,
    body: listBody(
      page.rows.map((row) => toWebhookEndpoint(row)),
      page,
    ),
  };
}

function create({ store, ids, clock }: Deps, body: unknown): Reply {
  const { endpoint_url: url, events } = parse(Creation, body);
  assertUsable(store, url);
  const position = ids.ulid();
  const now = timestamp(clock);
  const row: WebhookRow = {
    id: `we_${position}`,
    position,
    endpoint_url: url,
    secret: `whsec_${randomAlphanumerics(SECRET_LENGTH)}`,
    status: 'enabled',
    events: JSON.stringify(events),
    created_at: now,
    updated_at: now,
  };
  store.run(
    `insert into webhook_endpoints (id, position, endpoint_url, secret, status, events, created_at, updated_at) values (?, ?, ?, ?, ?, ?, ?, ?)`,
    row.id,
    position,
    url,
    row.secret,
    row.status,
    row.events,
    now,
    now,
  );
  return { status: 201, body: toWebhookEndpoint(row) };
}

function update({ store, clock }: Deps, { params, body }: Request): Reply {
  const row = findWebhook(store, params['id']!);
  if (!row) throw missing(params['id']!);
  const changes = parse(Update, body);
  if (changes.endpoint_url !== undefined) assertUsable(store, changes.endpoint_url, row.id);
  const changed: WebhookRow = {
    ...row,
    endpoint_url: changes.endpoint_url ?? row.endpoint_url,
    status: changes.status ?? row.status,
    events: changes.events ? JSON.stringify(changes.events) : row.events,
    updated_at: timestamp(clock),
  };
  store.run(
    'update webhook_endpoints set endpoint_url = ?, status = ?, events = ?, updated_at = ? where id = ?',
    changed.endpoint_url,
    changed.status,
    changed.events,
    changed.updated_at,
    row.id,
  );
  return { status: 200, body: toWebhookEndpoint(changed) };
}

function remove({ store }: Deps, id: string): Reply {
  if (store.run('delete from webhook_endpoints where id = ?', id) === 0) throw missing(id);
  return { status: 204 };
}

const missing = (id: string): HttpError => coded(404, 'entity_not_found', `Webhook endpoint not found: '${id}'.`);

/** Allows plain http, unlike WorkOS, because endpoints are on this machine. */
function assertUsable(store: Store, url: string, ownId?: string): void {
  const protocol = URL.parse(url)?.protocol;
  if (protocol !== 'http:' && protocol !== 'https:') throw coded(422, 'invalid_url', `Not a web address: '${url}'.`);
  const holder = findWebhookByUrl(store, url);
  if (holder && holder.id !== ownId)
    throw coded(409, 'duplicate_endpoint', 'A Webhook Endpoint with the same endpoint URL already exists.');
}
