import type { Knex } from 'knex';
import { notSetAside } from '../../background/items.ts';
import type { WebhookOutcome } from './webhook.ts';
import { toWebhook } from './inbox.ts';
import type { InboxRow, RecordedWebhook } from './inbox.ts';

export type WebhookFilter = { source: string | undefined; outcome: WebhookOutcome | undefined; limit: number };
/** The loop that applies webhooks whose organization was unknown. */
export const WAITING_LOOP = 'apply_waiting_hooks';
export type RecordedWebhooks = ReturnType<typeof makeRecordedWebhooks>;

/** Lists and sweeps the inbox. */
export function makeRecordedWebhooks(db: Knex) {
  return {
    /** Newest first. */
    async list({ source, outcome, limit }: WebhookFilter): Promise<RecordedWebhook[]> {
      const rows = await db<InboxRow>('hook_inbox')
        .where({ ...(source && { source }), ...(outcome && { outcome }) })
        .orderByRaw('received_at desc, id desc')
        .limit(limit)
        .select('*');
      return rows.map(toWebhook);
    },

    /** Lists webhooks whose organization was unknown and is known now, oldest first. */
    async listWaiting(now: Date, limit: number): Promise<{ id: string; organizationId: string | undefined }[]> {
      const { rows } = await db.raw<{ rows: Pick<InboxRow, 'id' | 'organization_id'>[] }>(
        `select id, organization_id from hook_inbox
         where outcome = 'unknown_tenant'
           and exists (select from tenants where stripe_customer_id = hook_inbox.customer_id)
           and ${notSetAside(WAITING_LOOP, 'hook_inbox.id')}
         order by received_at
         limit ?`,
        [now, limit],
      );
      return rows.map(({ id, organization_id }) => ({ id, organizationId: organization_id ?? undefined }));
    },

    /** Deletes webhooks that were received before a moment. @returns how many, at most `limit` */
    async sweep(before: Date, limit: number): Promise<number> {
      const { rows } = await db.raw<{ rows: unknown[] }>(
        `delete from hook_inbox where id in (
           select id from hook_inbox where received_at < ? order by received_at limit ? for update skip locked
         ) returning id`,
        [before, limit],
      );
      return rows.length;
    },
  };
}
