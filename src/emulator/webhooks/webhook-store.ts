import { readJson } from '../state/json.ts';
import type { Store } from '../state/store.ts';

export type WebhookRow = {
  id: string;
  position: string;
  endpoint_url: string;
  secret: string;
  status: 'enabled' | 'disabled';
  events: string;
  created_at: string;
  updated_at: string;
};

export const findWebhook = (store: Store, id: string): WebhookRow | undefined =>
  store.get<WebhookRow>('select * from webhook_endpoints where id = ?', id);

export const findWebhookByUrl = (store: Store, url: string): WebhookRow | undefined =>
  store.get<WebhookRow>('select * from webhook_endpoints where endpoint_url = ?', url);

export const subscribersOf = (store: Store, event: string): WebhookRow[] =>
  store.all<WebhookRow>(
    `select * from webhook_endpoints where status = 'enabled' and exists (select 1 from json_each(events) where value = ?)`,
    event,
  );

export const toWebhookEndpoint = (row: WebhookRow): object => ({
  object: 'webhook_endpoint',
  id: row.id,
  endpoint_url: row.endpoint_url,
  secret: row.secret,
  status: row.status,
  events: readJson<string[]>(row.events),
  created_at: row.created_at,
  updated_at: row.updated_at,
});
