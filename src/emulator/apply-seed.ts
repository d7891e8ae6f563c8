import type { Clock } from './clock.ts';
import { timestamp } from './clock.ts';
import { hashPassword, sha256 } from './hashing.ts';
import { DEFAULT_ROLE } from './permissions/role-store.ts';
import type { CompleteSeed } from './seed.ts';
import { Seed } from './seed.ts';
import type { Store } from './state/store.ts';
import type { Ids } from './ulid.ts';

type Given = { store: Store; ids: Ids; clock: Clock };
type Deps = Given & { hashOf: (password: string) => string };

/** Applies seeds, each in one transaction, without events. */
export function createApplySeed(given: Given): (seed: Seed) => void {
  const deps = { ...given, hashOf: makeHashOf() };
  return (seed) => {
    const complete = Seed.parse(seed);
    deps.store.transaction(() => {
      insertPermissions(deps, complete);
      insertOrganizations(deps, complete);
      insertPeople(deps, complete);
      insertMemberships(deps, complete);
      insertMachineClients(deps, complete);
      upsertWebhookEndpoints(deps, complete);
    });
  };
}

function insertPermissions({ store, ids, clock }: Deps, { permissions, roles, apiKeyPermissions }: CompleteSeed): void {
  const now = timestamp(clock);
  const named = new Set(permissions.map(({ slug }) => slug));
  // Roles can grant only permissions of the environment, so those of a seed's roles are added even if unlisted.
  const granted = new Set(roles.flatMap((role) => role.permissions).filter((slug) => !named.has(slug)));
  const unlisted = [...granted].map((slug) => ({ slug, name: slug, description: null }));
  for (const { slug, name, description } of [...permissions, ...unlisted]) {
    const position = ids.ulid();
    store.run(
      `insert into permissions (id, position, slug, name, description, resource_type_slug, created_at, updated_at)
       values (?, ?, ?, ?, ?, 'organization', ?, ?) on conflict (slug) do nothing`,
      `perm_${position}`,
      position,
      slug,
      name,
      description,
      now,
      now,
    );
  }
  for (const role of roles) {
    store.run(
      `insert into roles (slug, name, permissions) values (?, ?, ?)
       on conflict (slug) do update set permissions = excluded.permissions`,
      role.slug,
      role.name ?? role.slug,
      JSON.stringify(role.permissions),
    );
  }
  store.run(
    `insert into roles (slug, name, permissions) values (?, 'Member', '[]') on conflict do nothing`,
    DEFAULT_ROLE,
  );
  for (const [owner, slugs] of Object.entries(apiKeyPermissions)) {
    store.run(
      'insert or replace into api_key_permissions (owner_type, slugs) values (?, ?)',
      owner,
      JSON.stringify(slugs),
    );
  }
}

function insertOrganizations({ store, ids, clock }: Deps, { organizations }: CompleteSeed): void {
  const now = timestamp(clock);
  for (const organization of organizations) {
    store.run(
      `insert into organizations (id, position, name, domains, metadata, external_id, stripe_customer_id, allow_profiles_outside, created_at, updated_at)
       values (?, ?, ?, ?, ?, ?, ?, 0, ?, ?) on conflict (id) do nothing`,
      organization.id,
      ids.ulid(),
      organization.name,
      JSON.stringify(
        organization.domains.map((domain) => ({
          id: ids.make('org_domain'),
          domain,
          state: 'verified',
          created_at: now,
        })),
      ),
      JSON.stringify(organization.metadata),
      organization.externalId,
      organization.stripeCustomerId ?? null,
      now,
      now,
    );
  }
}

/** Hashes each distinct password once, because scrypt is slow and the people of seeds share one. */
function makeHashOf(): (password: string) => string {
  const hashes = new Map<string, string>();
  return (password) => {
    const hash = hashes.get(password) ?? hashPassword(password);
    hashes.set(password, hash);
    return hash;
  };
}

function insertPeople({ store, ids, clock, hashOf }: Deps, { people }: CompleteSeed): void {
  const now = timestamp(clock);
  for (const person of people) {
    if (store.get('select 1 from users where id = ?', person.id)) continue;
    store.run(
      `insert into users (id, position, email, password_hash, first_name, last_name, created_at, updated_at) values (?, ?, ?, ?, ?, ?, ?, ?)`,
      person.id,
      ids.ulid(),
      person.email,
      person.password === undefined ? null : hashOf(person.password),
      person.firstName,
      person.lastName,
      now,
      now,
    );
  }
}

function insertMemberships({ store, ids, clock }: Deps, { memberships }: CompleteSeed): void {
  const now = timestamp(clock);
  for (const membership of memberships) {
    const position = ids.ulid();
    store.run(
      `insert into memberships (id, position, user_id, organization_id, role, status, created_at, updated_at)
       values (?, ?, ?, ?, ?, ?, ?, ?) on conflict do nothing`,
      membership.id ?? `om_${position}`,
      position,
      membership.userId,
      membership.organizationId,
      membership.role,
      membership.status,
      now,
      now,
    );
  }
}

function insertMachineClients({ store, ids, clock }: Deps, { machineClients }: CompleteSeed): void {
  const now = timestamp(clock);
  for (const { clientId, secret, organizationId, name, scopes } of machineClients) {
    const position = ids.ulid();
    store.run(
      `insert into machine_clients (client_id, secret_hash, organization_id, name, scopes, id, position, created_at, updated_at)
       values (?, ?, ?, ?, ?, ?, ?, ?, ?)
       on conflict do nothing`,
      clientId,
      sha256(secret),
      organizationId,
      name ?? clientId,
      JSON.stringify(scopes),
      `conn_app_${position}`,
      position,
      now,
      now,
    );
  }
}

function upsertWebhookEndpoints({ store, ids, clock }: Deps, { webhookEndpoints }: CompleteSeed): void {
  const now = timestamp(clock);
  for (const { url, secret, events } of webhookEndpoints) {
    const position = ids.ulid();
    store.run(
      `insert into webhook_endpoints (id, position, endpoint_url, secret, status, events, created_at, updated_at)
       values (?, ?, ?, ?, 'enabled', ?, ?, ?)
       on conflict (endpoint_url) do update set secret = excluded.secret, events = excluded.events, updated_at = excluded.updated_at`,
      `we_${position}`,
      position,
      url,
      secret,
      JSON.stringify(events),
      now,
      now,
    );
  }
}
