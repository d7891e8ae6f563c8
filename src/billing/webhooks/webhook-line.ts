import type { KeptHook } from './inbox.ts';

/** A hook in one line, for people; nothing of its contents. */
export function hookLine(hook: KeptHook): string {
  return [
    hook.id,
    hook.receivedAt.toISOString(),
    hook.outcome.padEnd('unknown_tenant'.length),
    hook.source.padEnd('billing'.length),
    hook.type,
    hook.eventId.slice(0, 64),
    hook.organizationId ?? '-',
    `tried ${hook.attempts} ${hook.attempts === 1 ? 'time' : 'times'}`,
    ...(hook.detail === undefined ? [] : [hook.detail]),
  ].join('  ');
}
