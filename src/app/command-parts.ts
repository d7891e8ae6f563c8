import type { Loop } from '../background/loop.ts';
import { makeIncomingWebhooks } from './incoming-webhooks.ts';
import { makeEvents } from './workos/mirror.ts';
import { makeReconcileParts } from './workos/reconcile.ts';
import { makeLoops } from './loops.ts';
import { makePlatform } from './platform.ts';
import type { Parts } from './platform.ts';

/** Parts of `npm run reconcile`. */
export function makeReconciliation({ config, ...parts }: Parts) {
  // A command limits no requests.
  const limits = { ...config.limits, redisUrl: undefined };
  return makeReconcileParts(
    makePlatform({ ...parts, config: { ...config, limits, role: 'worker' }, waitsOutHoldOffs: true }),
  );
}

/** The loops of every role, not running: for `npm run dead-letters`. */
export function makeIdleLoops(parts: Parts): readonly Loop[] {
  const platform = makePlatform({
    ...parts,
    config: { ...parts.config, role: 'all', limits: { ...parts.config.limits, redisUrl: undefined } },
  });
  return makeLoops(platform, makeEvents(platform).loops).loops;
}

/** Parts of `npm run workos:events`. */
export function makeUnreadableEventsParts(parts: Parts) {
  const { unreadable, retryUnreadable } = makeEvents(makePlatform(parts));
  return { unreadable, retryUnreadable };
}

/** Parts of the command for incoming webhooks. */
export const makeWebhookInbox = (parts: Parts) => makeIncomingWebhooks(makePlatform(parts));
