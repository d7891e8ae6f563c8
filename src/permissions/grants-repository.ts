import type { Knex } from 'knex';

/** The scopes that the configuration grants through a permission set, or by implication from a scope. */
export type ConfiguredGrant = {
  kind: 'permission_set' | 'scope';
  name: string;
  scopes: readonly string[];
  /** Whether existing keys get them. */
  followed: boolean;
};

/** A grant as last recorded. While `before` is there, organizations after `recordedTo` still lack their audit event. */
export type KnownGrant = ConfiguredGrant & {
  before: Pick<ConfiguredGrant, 'scopes' | 'followed'> | undefined;
  recordedTo: string;
};

type Row = {
  kind: ConfiguredGrant['kind'];
  name: string;
  scopes: string[];
  followed: boolean;
  since: Date;
  before_scopes: string[] | null;
  before_followed: boolean | null;
  told_to: string | null;
};
type Id = Pick<ConfiguredGrant, 'kind' | 'name'>;

const COLUMNS = [
  'kind',
  'name',
  'scopes',
  'followed',
  'before_scopes',
  'before_followed',
  'told_to',
] as const satisfies (keyof Row)[];

export const grantsRepository = { list, insert, lock, begin, advance };

/** Returns all grants: a few hundred at most. */
async function list(on: Knex): Promise<KnownGrant[]> {
  return (await on<Row>('configured_grants').orderBy(['kind', 'name']).select(COLUMNS)).map(toGrant);
}

/** Inserts grants that are new in the configuration. No organization has keys of them, so none gets an event. */
async function insert(on: Knex, grants: readonly ConfiguredGrant[], now: Date): Promise<void> {
  if (grants.length === 0) return;
  await on<Row>('configured_grants')
    .insert(
      grants.map(({ kind, name, scopes, followed }) => ({ kind, name, scopes: [...scopes], followed, since: now })),
    )
    .onConflict(['kind', 'name'])
    .ignore();
}

/** Locks a grant until the transaction ends. */
async function lock(trx: Knex.Transaction, { kind, name }: Id): Promise<KnownGrant | undefined> {
  const row = await trx<Row>('configured_grants').where({ kind, name }).forUpdate().first(COLUMNS);
  return row && toGrant(row);
}

/** Records a changed grant. No organization has its audit event yet. */
async function begin(trx: Knex.Transaction, before: KnownGrant, after: ConfiguredGrant, now: Date): Promise<void> {
  await trx<Row>('configured_grants')
    .where({ kind: before.kind, name: before.name })
    .update({
      scopes: [...after.scopes],
      followed: after.followed,
      since: now,
      before_scopes: [...before.scopes],
      before_followed: before.followed,
      told_to: '',
    });
}

/** Records the last organization that has its audit event; undefined: all have. */
async function advance(trx: Knex.Transaction, { kind, name }: Id, recordedTo: string | undefined): Promise<void> {
  await trx<Row>('configured_grants')
    .where({ kind, name })
    .update(
      recordedTo === undefined
        ? { before_scopes: null, before_followed: null, told_to: null }
        : { told_to: recordedTo },
    );
}

function toGrant(row: Pick<Row, (typeof COLUMNS)[number]>): KnownGrant {
  const { kind, name, scopes, followed, before_scopes: before, before_followed: wasFollowed } = row;
  return {
    kind,
    name,
    scopes,
    followed,
    before: before && wasFollowed !== null ? { scopes: before, followed: wasFollowed } : undefined,
    recordedTo: row.told_to ?? '',
  };
}
