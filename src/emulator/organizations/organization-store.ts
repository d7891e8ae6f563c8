import type { Clock } from '../clock.ts';
import { timestamp } from '../clock.ts';
import type { EventLog } from '../events/event-log.ts';
import { notFound } from '../http/http-error.ts';
import { readJson } from '../state/json.ts';
import type { Store } from '../state/store.ts';
import type { Ids } from '../ulid.ts';

export type OrganizationRow = {
  id: string;
  position: string;
  name: string;
  domains: string;
  metadata: string;
  external_id: string | null;
  stripe_customer_id: string | null;
  allow_profiles_outside: number;
  created_at: string;
  updated_at: string;
};

export type Domain = { id: string; domain: string; state: 'pending' | 'verified'; created_at: string };

export type OrganizationFields = {
  name: string;
  domains: readonly Domain[];
  metadata: Record<string, string>;
  externalId: string | null;
  stripeCustomerId: string | null;
  allowProfilesOutside: boolean;
};

export type OrganizationStore = {
  find(id: string): OrganizationRow | undefined;
  /** Throws 404 if there is none. */
  get(id: string): OrganizationRow;
  findBy(column: 'external_id' | 'stripe_customer_id', value: string): OrganizationRow | undefined;
  insert(fields: OrganizationFields): OrganizationRow;
  update(id: string, fields: OrganizationFields): OrganizationRow;
  delete(row: OrganizationRow): void;
};

type Deps = { store: Store; ids: Ids; clock: Clock; events: EventLog };

export function createOrganizationStore({ store, ids, clock, events }: Deps): OrganizationStore {
  const find = (id: string): OrganizationRow | undefined =>
    store.get<OrganizationRow>('select * from organizations where id = ?', id);
  const get = (id: string): OrganizationRow => {
    const row = find(id);
    if (!row) throw notFound('Organization', id);
    return row;
  };
  const announce = (event: string, row: OrganizationRow): OrganizationRow => {
    events.emit(event, toEventData(row), row.id);
    return row;
  };
  return {
    find,
    get,
    findBy: (column, value) => store.get<OrganizationRow>(`select * from organizations where ${column} = ?`, value),
    insert: (fields) =>
      store.transaction(() => {
        const position = ids.ulid();
        const now = timestamp(clock);
        store.run(INSERT, ...toColumns(fields), now, `org_${position}`, position, now);
        return announce('organization.created', get(`org_${position}`));
      }),
    update: (id, fields) =>
      store.transaction(() => {
        store.run(UPDATE, ...toColumns(fields), timestamp(clock), id);
        return announce('organization.updated', get(id));
      }),
    delete: (row) =>
      store.transaction(() => {
        store.run(END_SESSIONS, timestamp(clock), row.id);
        store.run('delete from organizations where id = ?', row.id);
        announce('organization.deleted', row);
      }),
  };
}

const INSERT = `insert into organizations
  (name, domains, metadata, external_id, stripe_customer_id, allow_profiles_outside, updated_at, id, position, created_at)
  values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`;
const UPDATE = `update organizations set name = ?, domains = ?, metadata = ?, external_id = ?, stripe_customer_id = ?,
  allow_profiles_outside = ?, updated_at = ? where id = ?`;
const END_SESSIONS = `update sessions set status = 'revoked', ended_at = ?1, updated_at = ?1
  where organization_id = ?2 and status = 'active'`;

const toColumns = (fields: OrganizationFields): [string, string, string, string | null, string | null, number] => [
  fields.name,
  JSON.stringify(fields.domains),
  JSON.stringify(fields.metadata),
  fields.externalId,
  fields.stripeCustomerId,
  Number(fields.allowProfilesOutside),
];

export const toFields = (row: OrganizationRow): OrganizationFields => ({
  name: row.name,
  domains: readJson<Domain[]>(row.domains),
  metadata: readJson<Record<string, string>>(row.metadata),
  externalId: row.external_id,
  stripeCustomerId: row.stripe_customer_id,
  allowProfilesOutside: row.allow_profiles_outside === 1,
});

function toEventData(row: OrganizationRow): object {
  const { domains, metadata } = toFields(row);
  return {
    object: 'organization',
    id: row.id,
    name: row.name,
    domains: domains.map((domain) => ({
      object: 'organization_domain',
      organization_id: row.id,
      ...domain,
      updated_at: domain.created_at,
    })),
    metadata,
    external_id: row.external_id,
    ...(row.stripe_customer_id !== null && { stripe_customer_id: row.stripe_customer_id }),
    created_at: row.created_at,
    updated_at: row.updated_at,
  };
}

/** Returns the organization as in answers, with the deprecated profile flag, which events leave out. */
export const toOrganization = (row: OrganizationRow): object => ({
  ...toEventData(row),
  allow_profiles_outside_organization: row.allow_profiles_outside === 1,
});
