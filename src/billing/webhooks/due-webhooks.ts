import type { Knex } from 'knex';
import { notSetAside } from '../../background/items.ts';
import type { HookOutcome, HookSource } from './webhook.ts';
import { toHook } from './inbox.ts';
import type { InboxRow, KeptHook } from './inbox.ts';

export type HookFilter = { source: HookSource | undefined; outcome: HookOutcome | undefined; limit: number };
/** The loop that applies them. */
export const WAITING_LOOP = 'apply_waiting_hooks';
export type KeptHooks = ReturnType<typeof makeKeptHooks>;

/** The inbox as it lies there. */
export function makeKeptHooks(db: Knex) {
  return {
    /** The newest first. */
    async list({ source, outcome, limit }: HookFilter): Promise<KeptHook[]> {
      const rows = await db<InboxRow>('hook_inbox')
        .where({ ...(source && { source }), ...(outcome && { outcome }) })
        .orderByRaw('received_at desc, id desc')
        .limit(limit)
        .select('*');
      return rows.map(toHook);
    },

    /** Those whose organization was not known when they came and is now, the oldest first. */
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

    /** Forgets hooks that came before a moment. @returns how many, `limit` at most */
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
