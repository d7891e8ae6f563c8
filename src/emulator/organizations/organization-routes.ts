import { z } from 'zod';
import type { Clock } from '../clock.ts';
import { timestamp } from '../clock.ts';
import { coded, notFound } from '../http/http-error.ts';
import { MetadataChanges, mergeMetadata } from '../http/metadata.ts';
import { listBody, readPageQuery, selectPage } from '../http/page.ts';
import { parse } from '../http/parse.ts';
import type { Reply, Request, Route } from '../http/route.ts';
import type { Store } from '../state/store.ts';
import type { Ids } from '../ulid.ts';
import type { Domain, OrganizationFields, OrganizationRow, OrganizationStore } from './organization-store.ts';
import { toFields, toOrganization } from './organization-store.ts';

type Deps = { store: Store; ids: Ids; clock: Clock; organizations: OrganizationStore };

const DomainData = z.object({ domain: z.string().min(1), state: z.enum(['pending', 'verified']) });
const Changes = z.object({
  name: z.string().min(1).max(1_000),
  allow_profiles_outside_organization: z.boolean().optional(),
  domains: z.array(z.string().min(1)).optional(),
  domain_data: z.array(DomainData).optional(),
  metadata: MetadataChanges,
  external_id: z
    .string()
    .min(1)
    .max(128)
    .refine((text) => Buffer.byteLength(text) === text.length, 'must be ASCII')
    .nullish(),
});
const Creation = Changes;
const Update = Changes.partial({ name: true }).extend({ stripe_customer_id: z.string().min(1).nullish() });

const EMPTY: OrganizationFields = {
  name: '',
  domains: [],
  metadata: {},
  externalId: null,
  stripeCustomerId: null,
  allowProfilesOutside: false,
};

export function organizationRoutes(deps: Deps): Route[] {
  const { organizations } = deps;
  return [
    { method: 'get', path: '/organizations', access: 'environment', handle: ({ query }) => list(deps.store, query) },
    {
      method: 'get',
      path: '/organizations/external_id/:external_id',
      access: 'environment',
      handle: ({ params }) => {
        const externalId = params['external_id']!;
        const row = organizations.findBy('external_id', externalId);
        if (!row) throw notFound('Organization', externalId);
        return answer(200, row);
      },
    },
    {
      method: 'get',
      path: '/organizations/:id',
      access: 'environment',
      handle: ({ params }) => answer(200, organizations.get(params['id']!)),
    },
    { method: 'post', path: '/organizations', access: 'environment', handle: (request) => create(deps, request) },
    { method: 'put', path: '/organizations/:id', access: 'environment', handle: (request) => update(deps, request) },
    {
      method: 'delete',
      path: '/organizations/:id',
      access: 'environment',
      handle: ({ params }) => {
        organizations.delete(organizations.get(params['id']!));
        return { status: 202 };
      },
    },
  ];
}

const answer = (status: number, row: OrganizationRow): Reply => ({ status, body: toOrganization(row) });

function list(store: Store, query: URLSearchParams): Reply {
  const domains = query.getAll('domains').flatMap((value) => value.split(','));
  const search = query.get('search') ?? '';
  const selection = {
    table: 'organizations',
    where: `(? = '' or instr(lower(name), lower(?)) > 0) and (? = '[]' or exists
      (select 1 from json_each(domains) where value ->> 'domain' in (select value from json_each(?))))`,
    values: [search, search, JSON.stringify(domains), JSON.stringify(domains)],
  };
  const page = selectPage<OrganizationRow>(store, selection, readPageQuery(query));
  return {
    status: 200,
    body: listBody(
      page.rows.map((row) => toOrganization(row)),
      page,
    ),
  };
}

function create(deps: Deps, { body }: Request): Reply {
  const fields = merge(deps, EMPTY, parse(Creation, body));
  assertUnique(deps, fields);
  return answer(201, deps.organizations.insert(fields));
}

function update(deps: Deps, { params, body }: Request): Reply {
  const row = deps.organizations.get(params['id']!);
  const fields = merge(deps, toFields(row), parse(Update, body));
  assertUnique(deps, fields, row.id);
  return answer(200, deps.organizations.update(row.id, fields));
}

/** Merges the given fields into the current ones. Metadata is merged entry by entry; `null` removes an entry. */
function merge(
  { ids, clock }: Deps,
  current: OrganizationFields,
  changes: z.output<typeof Update>,
): OrganizationFields {
  const data = changes.domain_data ?? changes.domains?.map((domain) => ({ domain, state: 'verified' as const }));
  const toDomain = (domain: z.output<typeof DomainData>): Domain => ({
    id: ids.make('org_domain'),
    ...domain,
    created_at: timestamp(clock),
  });
  return {
    name: changes.name ?? current.name,
    domains: data?.map((domain) => toDomain(domain)) ?? current.domains,
    metadata: mergeMetadata(current.metadata, changes.metadata),
    externalId: changes.external_id === undefined ? current.externalId : changes.external_id,
    stripeCustomerId: changes.stripe_customer_id === undefined ? current.stripeCustomerId : changes.stripe_customer_id,
    allowProfilesOutside: changes.allow_profiles_outside_organization ?? current.allowProfilesOutside,
  };
}

function assertUnique({ organizations }: Deps, fields: OrganizationFields, ownId?: string): void {
  const isTaken = (column: 'external_id' | 'stripe_customer_id', value: string | null): boolean => {
    const holder = value === null ? undefined : organizations.findBy(column, value);
    return holder !== undefined && holder.id !== ownId;
  };
  if (isTaken('external_id', fields.externalId)) {
    throw coded(400, 'external_id_already_used', 'The external id is already used by another organization.');
  }
  if (isTaken('stripe_customer_id', fields.stripeCustomerId)) {
    throw coded(
      400,
      'stripe_customer_id_already_used',
      'The Stripe customer id is already used by another organization.',
    );
  }
}
