import type { Knex } from 'knex';
import type { Items } from '../../background/items.ts';
import type { Policy } from '../../tenants/posture.ts';
import type { Clock } from '../../clock.ts';
import { transaction } from '../../db/transaction.ts';
import type { Since } from '../outbox-writer.ts';
import type { PostureWebhooks } from './posture-webhooks.ts';
import { dueOrganizations, pageOfTenants } from './published-postures.ts';

type Deps = {
  db: Knex;
  policy: Pick<Policy, 'standingOf'>;
  postures: Pick<PostureWebhooks, 'publishByNow'>;
  since: () => Promise<Since>;
  items: Pick<Items, 'each' | 'due'>;
  clock: Clock;
};

const BATCH = 200;

/**
 * Finds postures that the clock has changed. The first run reviews all tenants: it records where new ones begin, and the
 * configuration may have changed the posture of others.
 */
export function makePublishPostures(deps: Deps) {
  const { db, postures, clock } = deps;
  let reviewed = false;

  return async function publishPostures(signal: AbortSignal): Promise<void> {
    const since = await deps.since();
    const publish = (organizationIds: readonly string[]) =>
      deps.items.each(organizationIds, {
        // The review reads each organization once, so one that fails is kept as an item to retry.
        name: (id) => ({ id, organizationId: id, payload: {} }),
        work: (id) => transaction(db, (trx) => postures.publishByNow(trx, id, since)),
        signal,
      });
    if (!reviewed) {
      await review(deps, publish, signal);
      reviewed = !signal.aborted;
    }
    await publish((await deps.items.due(BATCH)).map(({ id }) => id));
    while (!signal.aborted) {
      const due = await dueOrganizations(db, clock(), BATCH);
      await publish(due);
      if (due.length < BATCH) return;
    }
  };
}

async function review(
  { db, policy, clock }: Deps,
  publish: (organizationIds: readonly string[]) => Promise<void>,
  signal: AbortSignal,
): Promise<void> {
  for (let after = ''; !signal.aborted;) {
    const page = await pageOfTenants(db, after, BATCH);
    const changed = page.filter(({ account, published }) => {
      const { posture, until } = policy.standingOf(account, clock());
      return published?.posture !== posture || published.until?.getTime() !== until?.getTime();
    });
    await publish(changed.map(({ organizationId }) => organizationId));
    if (page.length < BATCH) return;
    after = page.at(-1)!.organizationId;
  }
}
