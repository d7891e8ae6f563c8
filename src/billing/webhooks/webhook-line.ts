import type { RecordedWebhook } from './inbox.ts';

/** Describes a recorded webhook in one line, without its contents. */
export function webhookLine(webhook: RecordedWebhook): string {
  return [
    webhook.id,
    webhook.receivedAt.toISOString(),
    webhook.outcome.padEnd('unknown_tenant'.length),
    webhook.source.padEnd('billing'.length),
    webhook.type,
    webhook.eventId.slice(0, 64),
    webhook.organizationId ?? '-',
    `tried ${webhook.attempts} ${webhook.attempts === 1 ? 'time' : 'times'}`,
    ...(webhook.detail === undefined ? [] : [webhook.detail]),
  ].join('  ');
}
