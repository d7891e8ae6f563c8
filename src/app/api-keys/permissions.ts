import type { Knex } from 'knex';
import type { Logger } from 'pino';
import type { AuditLog } from '../../audit/audit-log.ts';
import { warnOfScopes } from '../../sessions/session-cookie-size.ts';
import type { ItemsOf } from '../../background/items.ts';
import type { Clock } from '../../clock.ts';
import { makeHoldersOf } from '../../api-keys/rows/holders.ts';
import type { Catalogue } from '../../permissions/catalogue.ts';
import { makeRecordChangedGrants } from '../../permissions/record-changed-grants.ts';
import type { Loop } from '../../background/loop.ts';

/** Once in the life of a process; until then a failed one is tried again. */
const LOOP = 'configuration';
const INTERVAL_MS = 5_000;

type Deps = { db: Knex; catalogue: Catalogue; audit: AuditLog; itemsOf: ItemsOf; clock: Clock; log: Logger };

/** Tells of another configuration, and of one that a session cookie cannot carry. */
export function makeConfigurationLoop({ db, catalogue, audit, itemsOf, clock, log }: Deps): Loop {
  const items = itemsOf(LOOP);
  const recordChangedGrants = makeRecordChangedGrants({
    db,
    configured: catalogue.configuredGrants(),
    holdersOf: makeHoldersOf({ clock }),
    audit,
    items,
    clock,
  });
  let isChecked = false;
  return {
    name: LOOP,
    everyMs: INTERVAL_MS,
    step(signal) {
      if (!isChecked) warnOfScopes(log, [...catalogue.scopeNames]);
      isChecked = true;
      return recordChangedGrants(signal);
    },
    items: items.deadLetters,
  };
}
