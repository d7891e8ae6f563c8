import type { Knex } from 'knex';
import type { AuditSource } from '../../audit/audit-event.ts';
import type { Provider, ProviderParts } from './provider.ts';
import type { Fact, Webhook, WebhookContents, WebhookResult } from './webhook.ts';

type Connection = ReturnType<Provider['connect']>;

export type ApplyWebhook = ReturnType<typeof makeApplyWebhook>;

/** Connects every provider, by its source. */
export function connectProviders(
  providers: readonly Provider[],
  parts: ProviderParts,
): ReadonlyMap<string, Connection> {
  return new Map(providers.map((provider) => [provider.source, provider.connect(parts)]));
}

/** Applies a webhook that is in the inbox, by the rules of the provider that sent it. */
export function makeApplyWebhook(connections: ReadonlyMap<string, Pick<Connection, 'apply'>>) {
  return async function applyWebhook(
    trx: Knex.Transaction,
    { eventId, contents }: Pick<Webhook, 'eventId' | 'contents'>,
    source: AuditSource,
  ): Promise<WebhookResult> {
    if (isUnreadable(contents)) return { outcome: 'unreadable', detail: contents.detail };
    const connection = connections.get(contents.kind);
    return connection ? connection.apply(trx, { eventId, contents }, source) : { outcome: 'ignored' };
  };
}

function isUnreadable(contents: WebhookContents): contents is Fact & { kind: 'unreadable'; detail: string } {
  return contents.kind === 'unreadable';
}
