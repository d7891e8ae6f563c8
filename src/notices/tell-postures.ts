import type { Knex } from 'knex';
import type { Policy } from '../billing/posture.ts';
import type { Clock } from '../clock.ts';
import { transaction } from '../db/transaction.ts';
import type { Since } from './outbox-writer.ts';
import type { PostureNotices } from './posture-notices.ts';
import { dueOrganizations, pageOfTenants } from './told-postures.ts';

type Deps = {
  db: Knex;
  policy: Pick<Policy, 'standingOf'>;
  postures: Pick<PostureNotices, 'tellByNow'>;
  since: () => Promise<Since>;
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
    const tell = (organizationId: string) => transaction(db, (trx) => postures.tellByNow(trx, organizationId, since));
    if (!reviewed) {
      await review(deps, tell, signal);
      reviewed = !signal.aborted;
    }
    while (!signal.aborted) {
      const due = await dueOrganizations(db, clock(), BATCH);
      for (const organizationId of due) await tell(organizationId);
      if (due.length < BATCH) return;
    }
  };
}

async function review(
  { db, policy, clock }: Deps,
  tell: (organizationId: string) => Promise<void>,
  signal: AbortSignal,
): Promise<void> {
  for (let after = ''; !signal.aborted;) {
    const page = await pageOfTenants(db, after, BATCH);
    for (const { organizationId, account, told } of page) {
      const { posture, until } = policy.standingOf(account, clock());
      const isTold = told?.posture === posture && told.until?.getTime() === until?.getTime();
      if (!isTold) await tell(organizationId);
    }
    if (page.length < BATCH) return;
    after = page.at(-1)!.organizationId;
  }
}
