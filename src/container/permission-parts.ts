import type { Knex } from 'knex';
import type { AuditLog } from '../audit/audit-log.ts';
import type { Clock } from '../clock.ts';
import { makeHoldersOf } from '../keys/holders.ts';
import type { Catalogue } from '../permissions/catalogue.ts';
import { makeTellChangedGrants } from '../permissions/tell-changed-grants.ts';
import type { Loop } from '../sync/background.ts';

/** Once in the life of a process; until then a failed one is tried again. */
const INTERVAL_MS = 5_000;

type Deps = { db: Knex; catalogue: Catalogue; audit: AuditLog; clock: Clock };

/** Tells of another configuration. */
export function makeConfigurationLoop({ db, catalogue, audit, clock }: Deps): Loop {
  const step = makeTellChangedGrants({
    db,
    configured: catalogue.configuredGrants(),
    holdersOf: makeHoldersOf({ clock }),
    audit,
    clock,
  });
  return { name: 'configuration', everyMs: INTERVAL_MS, step };
}
