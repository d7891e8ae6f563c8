import type { Knex } from 'knex';
import type { Items } from '../../background/items.ts';
import type { Policy } from '../../tenants/posture.ts';
import type { Clock } from '../../clock.ts';
import { transaction } from '../../db/transaction.ts';
import type { Since } from '../outbox-writer.ts';
import type { PostureNotices } from './posture-webhooks.ts';
import { dueOrganizations, pageOfTenants } from './published-postures.ts';

type Deps = {
  db: Knex;
  policy: Pick<Policy, 'standingOf'>;
  postures: Pick<PostureNotices, 'tellByNow'>;
  since: () => Promise<Since>;
  items: Pick<Items, 'each' | 'due'>;
  clock: Clock;
};

const BATCH = 200;

/**
 * Finds the postures that changed by the clock alone. The first time it looks at all tenants: of new ones it notes
 * where they begin, and the configuration may have changed what the others may do.
 */
export function makeTellPostures(deps: Deps) {
  const { db, postures, clock } = deps;
  let reviewed = false;

  return async function tellPostures(signal: AbortSignal): Promise<void> {
    const since = await deps.since();
    const tell = (organizationIds: readonly string[]) =>
      deps.items.each(organizationIds, {
        // The review looks at an organization once: of one that fails then nothing else would remind.
        name: (id) => ({ id, organizationId: id, payload: {} }),
        work: (id) => transaction(db, (trx) => postures.tellByNow(trx, id, since)),
        signal,
      });
    if (!reviewed) {
      await review(deps, tell, signal);
      reviewed = !signal.aborted;
    }
    await tell((await deps.items.due(BATCH)).map(({ id }) => id));
    while (!signal.aborted) {
      const due = await dueOrganizations(db, clock(), BATCH);
      await tell(due);
      if (due.length < BATCH) return;
    }
  };
}

async function review(
  { db, policy, clock }: Deps,
  tell: (organizationIds: readonly string[]) => Promise<void>,
  signal: AbortSignal,
): Promise<void> {
  for (let after = ''; !signal.aborted;) {
    const page = await pageOfTenants(db, after, BATCH);
    const untold = page.filter(({ account, told }) => {
      const { posture, until } = policy.standingOf(account, clock());
      return told?.posture !== posture || told.until?.getTime() !== until?.getTime();
    });
    await tell(untold.map(({ organizationId }) => organizationId));
    if (page.length < BATCH) return;
    after = page.at(-1)!.organizationId;
  }
}
