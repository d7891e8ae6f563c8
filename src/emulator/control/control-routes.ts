import { z } from 'zod';
import type { DeliverySettings } from '../events/event-log.ts';
import { Fault } from '../faults/faults.ts';
import type { FaultControl } from '../faults/faults.ts';
import type { Journal } from '../http/journal.ts';
import { parse } from '../http/parse.ts';
import type { Reply, Route } from '../http/route.ts';
import { Seed } from '../seed.ts';
import { readJson } from '../state/json.ts';
import type { Store } from '../state/store.ts';

type Deps = {
  store: Store;
  faults: FaultControl;
  journal: Journal;
  settings: DeliverySettings;
  applySeed: (seed: Seed) => void;
  queuedWebhooks: () => number;
};

const Settings = z.strictObject({
  delay_ms: z.number().int().min(0).max(600_000).optional(),
  duplicate: z.boolean().optional(),
  reorder: z.boolean().optional(),
});
const COUNTED = [
  'organizations',
  'users',
  'memberships',
  'permissions',
  'api_keys',
  'sessions',
  'machine_clients',
  'events',
  'webhook_endpoints',
  'audit_events',
];

/** Switches and views for tests, which WorkOS does not have. They need the environment's secret. */
export function controlRoutes({ store, faults, journal, settings, applySeed, queuedWebhooks }: Deps): Route[] {
  const list = (): Reply => ({ status: 200, body: { data: faults.list() } });
  const access = 'environment';
  const own = (method: Route['method'], path: string, handle: Route['handle']): Route => ({
    method,
    path: `/_emulator/${path}`,
    access,
    replay: false,
    handle,
  });
  return [
    own('get', 'faults', list),
    own('post', 'faults', ({ body }) => {
      faults.add(parse(Fault, body));
      return { ...list(), status: 201 };
    }),
    own('delete', 'faults', () => {
      faults.clear();
      return list();
    }),
    own('get', 'events', () => ({ status: 200, body: settings })),
    own('post', 'events', ({ body }) => ({ status: 200, body: Object.assign(settings, parse(Settings, body)) })),
    own('post', 'seed', ({ body }) => {
      parse(Seed, body);
      applySeed(body as Seed);
      return { status: 200, body: countRows(store) };
    }),
    own('get', 'state', () => ({ status: 200, body: { ...countRows(store), queued_webhooks: queuedWebhooks() } })),
    own('get', 'requests', () => ({ status: 200, body: { data: journal.entries() } })),
    own('get', 'audit_events', ({ query }) => ({
      status: 200,
      body: { data: listAuditEvents(store, query.get('organization_id')) },
    })),
  ];
}

const countRows = (store: Store): Record<string, number> =>
  Object.fromEntries(
    COUNTED.map((table) => [table, store.get<{ count: number }>(`select count(*) as count from ${table}`)?.count ?? 0]),
  );

export type RecordedAuditEvent = {
  id: string;
  organization_id: string;
  idempotency_key: string | null;
  event: object;
  created_at: string;
};

/** Returns audit events, oldest first; `null`: of all organizations. */
export const listAuditEvents = (store: Store, organizationId: string | null): RecordedAuditEvent[] =>
  store
    .all<Omit<RecordedAuditEvent, 'event'> & { event: string }>(
      'select * from audit_events where ?1 is null or organization_id = ?1 order by id limit 10000',
      organizationId,
    )
    .map((row) => ({ ...row, event: readJson<object>(row.event) }));
