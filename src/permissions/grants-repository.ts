import type { Knex } from 'knex';

/** What the configuration gives keys: through a permission set, or by what a scope implies. */
export type ConfiguredGrant = {
  kind: 'permission_set' | 'scope';
  name: string;
  scopes: readonly string[];
  /** Whether keys that exist get it. */
  followed: boolean;
};

/** One that was written down. `before` is there while organizations wait to be told; all up to `toldTo` are. */
export type KnownGrant = ConfiguredGrant & {
  before: Pick<ConfiguredGrant, 'scopes' | 'followed'> | undefined;
  toldTo: string;
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

export const grantsRepository = { list, make, lock, begin, goOn };

/** All there are: a few hundred at most. */
async function list(on: Knex): Promise<KnownGrant[]> {
  return (await on<Row>('configured_grants').orderBy(['kind', 'name']).select(COLUMNS)).map(toGrant);
}

/** Writes down what was never there; of it there is nothing to tell. */
async function make(on: Knex, grants: readonly ConfiguredGrant[], now: Date): Promise<void> {
  if (grants.length === 0) return;
  await on<Row>('configured_grants')
    .insert(
      grants.map(({ kind, name, scopes, followed }) => ({ kind, name, scopes: [...scopes], followed, since: now })),
    )
    .onConflict(['kind', 'name'])
    .ignore();
}

/** Holds it until the transaction ends. */
async function lock(trx: Knex.Transaction, { kind, name }: Id): Promise<KnownGrant | undefined> {
  const row = await trx<Row>('configured_grants').where({ kind, name }).forUpdate().first(COLUMNS);
  return row && toGrant(row);
}

/** Notes what counts from now on; no organization is told of it yet. */
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

/** Notes the last organization that was told; undefined: all are. */
async function goOn(trx: Knex.Transaction, { kind, name }: Id, toldTo: string | undefined): Promise<void> {
  await trx<Row>('configured_grants')
    .where({ kind, name })
    .update(toldTo === undefined ? { before_scopes: null, before_followed: null, told_to: null } : { told_to: toldTo });
}

function toGrant(row: Pick<Row, (typeof COLUMNS)[number]>): KnownGrant {
  const { kind, name, scopes, followed, before_scopes: before, before_followed: wasFollowed } = row;
  return {
    kind,
    name,
    scopes,
    followed,
    before: before && wasFollowed !== null ? { scopes: before, followed: wasFollowed } : undefined,
    toldTo: row.told_to ?? '',
  };
}
