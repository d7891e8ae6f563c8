import type { Loop } from '../background/loop.ts';
import { forgetOldFailures } from '../background/failure-repository.ts';
import { GAUGES_LOOP } from './gauges.ts';
import { makeIncomingWebhooks } from './incoming-webhooks.ts';
import { makeConfigurationLoop } from './api-keys/permissions.ts';
import { SETTLE_LOOP, settleItems } from './workos/reconcile.ts';
import { makeBackground } from '../background/background.ts';
import type { Background } from '../background/background.ts';
import { makeSettle } from '../workos-sync/settle.ts';
import { makeSweepTasks } from '../tasks/sweep-tasks.ts';
import { makeSweepScopeUses } from '../usage/sweep-scope-uses.ts';
import type { Platform } from './platform.ts';

const SWEEP_INTERVAL_MS = 60_000;
const GAUGES_INTERVAL_MS = 60_000;
const SWEEP_BATCH = 1_000;

function sweeping(name: string, sweep: () => Promise<number>): Loop {
  return {
    name,
    everyMs: SWEEP_INTERVAL_MS,
    async step(signal) {
      while (!signal.aborted && (await sweep()) === SWEEP_BATCH);
    },
    bulk: 'One statement deletes old rows and skips locked ones.',
  };
}

/** The loops of this process's role, and what runs them. */
export function makeLoops(platform: Platform, events: readonly Loop[]): Background {
  const { config, metrics, log, idempotency, usage, clock } = platform;
  const items = settleItems(platform);
  const settle = makeSettle({ ...platform, items });
  const loops: Loop[] = [
    {
      name: SETTLE_LOOP,
      everyMs: config.settleIntervalMs,
      step: async (signal) => void (await settle({ signal })),
      lagSeconds: () => platform.unsettled.lagSeconds(clock()),
      items: items.deadLetters,
    },
    sweeping('sweep_idempotency_keys', () => idempotency.sweep(clock(), SWEEP_BATCH)),
    sweeping('sweep_ci_tokens', () => platform.ci.uses.sweep(clock(), SWEEP_BATCH)),
    sweeping('sweep_ci_sessions', () => platform.ci.sessions.sweep(clock(), SWEEP_BATCH)),
    sweeping('sweep_tasks', makeSweepTasks({ db: platform.db, clock, batch: SWEEP_BATCH })),
    sweeping('sweep_key_scope_uses', makeSweepScopeUses({ db: platform.db, clock, batch: SWEEP_BATCH })),
    platform.ci.purgeLoop,
    sweeping('sweep_background_failures', () => forgetOldFailures(platform.db, clock(), SWEEP_BATCH)),
    ...events,
    platform.membersLoop,
    platform.decommissionLoop,
    makeConfigurationLoop(platform),
    {
      name: GAUGES_LOOP,
      everyMs: GAUGES_INTERVAL_MS,
      step: metrics.tableGauges.read,
      bulk: 'Each gauge is read by itself; a failed one is left out.',
    },
  ];
  const own = config.role === 'api' ? [] : loops;
  const ofRequests = config.role === 'worker' ? [] : [platform.ci.refusalsLoop];
  const all = [
    ...own,
    ...ofRequests,
    platform.replicas.loop,
    ...usage.loops,
    ...platform.sessionLoops,
    ...platform.nameLoops,
    ...platform.webhooks.loops,
    ...platform.sealLoops,
    ...makeIncomingWebhooks(platform).loops,
  ];
  const { isProven, isPrimary } = platform.trust;
  return makeBackground({ loops: all, isProven, isPrimary, failures: metrics.failures, log });
}
