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

/** Retried until it has succeeded once in the life of the process. */
const LOOP = 'configuration';
const INTERVAL_MS = 5_000;

type Deps = { db: Knex; catalogue: Catalogue; audit: AuditLog; itemsOf: ItemsOf; clock: Clock; log: Logger };

/** Records what a changed configuration grants, and warns when session cookies cannot carry all scopes. */
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
