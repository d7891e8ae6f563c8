import type { Knex } from 'knex';
import type { Clock } from '../../clock.ts';
import { transaction } from '../../db/transaction.ts';
import type { OrganizationHead } from '../chain-heads.ts';
import { MAX_HEADS } from './seal.ts';
import type { Sealer } from './seal.ts';

const CONSTRAINT = 'audit_events_keyed_check';

/** Whether the database refuses links without a key. */
export async function closedLinks(db: Knex): Promise<boolean> {
  const { rows } = await db.raw<{ rows: object[] }>(
    `select from pg_constraint where conname = ? and conrelid = 'audit_events'::regclass`,
    [CONSTRAINT],
  );
  return rows.length > 0;
}

/**
 * Closes the upgrade to keyed links: the database refuses other links from now on, and the application's role can add events
 * and move heads only by functions. Events without a key are sealed as they are. Run by the owner of the database.
 * @returns how many organizations have links without a key; undefined when the upgrade was over already
 */
export function closeUpgrade(db: Knex, sealer: Pick<Sealer, 'write'>, clock: Clock): Promise<number | undefined> {
  return transaction(db, async (trx) => {
    if (await closedLinks(trx)) return undefined;
    await refuseUnkeyedLinks(trx);
    const heads = await unkeyedHeads(trx);
    await sealHeads(trx, heads, sealer, clock());
    return heads.length;
  });
}

/** Closes the upgrade of a new database, which has nothing to seal. */
export async function refuseUnkeyedLinks(trx: Knex): Promise<void> {
  await trx.raw(`
    -- In the order of those who append, who hold a head before they insert.
    lock table audit_chain_heads in share row exclusive mode;
    alter table audit_events add constraint ${CONSTRAINT} check (link_version > 1) not valid;
    do $body$
    begin
      if exists (select from pg_roles where rolname = 'latchkey_app') then
        revoke insert on audit_events from latchkey_app;
        revoke insert, update, delete on audit_heads from latchkey_app;
      end if;
    end
    $body$;
  `);
}

/** The last event without a key of each organization that has one. */
async function unkeyedHeads(trx: Knex): Promise<OrganizationHead[]> {
  const { rows } = await trx.raw<{ rows: { organization_id: string; sequence: string; hash: Buffer }[] }>(
    `select h.organization_id, e.sequence, e.hash
     from audit_chain_heads h
     cross join lateral (
       select sequence, hash from audit_events
       where organization_id = h.organization_id and link_version = 1 order by sequence desc limit 1
     ) e
     order by h.organization_id`,
  );
  return rows.map((row) => ({ organizationId: row.organization_id, sequence: Number(row.sequence), hash: row.hash }));
}

async function sealHeads(
  trx: Knex,
  heads: readonly OrganizationHead[],
  sealer: Pick<Sealer, 'write'>,
  at: Date,
): Promise<void> {
  const of = Math.ceil(heads.length / MAX_HEADS);
  let previous = '';
  for (let number = 1; number <= of; number++) {
    const part = heads.slice((number - 1) * MAX_HEADS, number * MAX_HEADS);
    const { line, mac } = sealer.write({ number, at, previous, closed: true, of, heads: part });
    await trx('audit_closing_seals').insert({ part: number, line });
    previous = mac;
  }
}
