/**
 * `position` is a ULID that orders lists by creation; ids cannot, because a seed may choose them. Of a secret only a
 * `…_hash` is stored. `text` columns with braces or brackets are JSON.
 */
export const SCHEMA = `
create table if not exists signing_keys (
  purpose text primary key,
  kid text not null,
  private_key text not null,
  certificate text not null
) strict;

create table if not exists organizations (
  id text primary key,
  position text not null unique,
  name text not null,
  domains text not null,
  metadata text not null,
  external_id text unique,
  stripe_customer_id text unique,
  allow_profiles_outside integer not null,
  created_at text not null,
  updated_at text not null
) strict;

create table if not exists users (
  id text primary key,
  position text not null unique,
  email text not null unique collate nocase,
  password_hash text,
  first_name text,
  last_name text,
  last_sign_in_at text,
  created_at text not null,
  updated_at text not null,
  name text,
  email_verified integer not null default 1,
  external_id text,
  metadata text not null default '{}',
  locale text
) strict;

create table if not exists email_verifications (
  id text primary key,
  user_id text not null references users on delete cascade,
  code text not null,
  expires_at text not null,
  used_at text,
  created_at text not null
) strict;
create index if not exists email_verifications_by_user on email_verifications (user_id);

create table if not exists roles (
  slug text primary key,
  name text not null,
  permissions text not null,
  description text,
  created_at text
) strict;

create table if not exists organization_roles (
  organization_id text not null references organizations on delete cascade,
  slug text not null,
  id text not null unique,
  name text not null,
  description text,
  permissions text not null,
  created_at text not null,
  updated_at text not null,
  primary key (organization_id, slug)
) strict;

create table if not exists invitations (
  id text primary key,
  position text not null unique,
  email text not null collate nocase,
  organization_id text references organizations on delete cascade,
  inviter_user_id text,
  role_slug text,
  token text not null unique,
  accepted_at text,
  accepted_user_id text,
  revoked_at text,
  expires_at text not null,
  created_at text not null,
  updated_at text not null
) strict;
create index if not exists invitations_by_organization on invitations (organization_id, position);
create index if not exists invitations_by_email on invitations (email, position);

create table if not exists role_changes (
  slug text primary key references roles on delete cascade,
  updated_at text not null
) strict;

create table if not exists memberships (
  id text primary key,
  position text not null unique,
  user_id text not null references users on delete cascade,
  organization_id text not null references organizations on delete cascade,
  role text not null,
  status text not null check (status in ('active', 'inactive', 'pending')),
  created_at text not null,
  updated_at text not null,
  unique (user_id, organization_id)
) strict;
create index if not exists memberships_by_organization on memberships (organization_id, position);

create table if not exists permissions (
  id text primary key,
  position text not null unique,
  slug text not null unique,
  name text not null,
  description text,
  resource_type_slug text not null,
  created_at text not null,
  updated_at text not null
) strict;

create table if not exists api_key_permissions (
  owner_type text primary key check (owner_type in ('organization', 'user')),
  slugs text not null
) strict;

create table if not exists api_keys (
  id text primary key,
  position text not null,
  organization_id text not null references organizations on delete cascade,
  user_id text references users on delete cascade,
  name text not null,
  value_hash blob not null unique,
  obfuscated_value text not null,
  permissions text not null,
  last_used_at text,
  expires_at text,
  created_at text not null,
  updated_at text not null
) strict;
create index if not exists api_keys_by_organization on api_keys (organization_id, user_id, position);
create index if not exists api_keys_by_user on api_keys (user_id, position);

create table if not exists sessions (
  id text primary key,
  position text not null unique,
  user_id text not null references users on delete cascade,
  organization_id text,
  auth_method text not null,
  status text not null check (status in ('active', 'revoked')),
  ip_address text,
  user_agent text,
  expires_at text not null,
  ended_at text,
  created_at text not null,
  updated_at text not null
) strict;
create index if not exists sessions_by_user on sessions (user_id, position);
create index if not exists sessions_by_organization on sessions (organization_id);

create table if not exists refresh_tokens (
  token_hash blob primary key,
  session_id text not null references sessions on delete cascade,
  used_at text
) strict;
create index if not exists refresh_tokens_by_session on refresh_tokens (session_id);

create table if not exists impersonations (
  session_id text primary key references sessions on delete cascade,
  email text not null,
  reason text
) strict;

create table if not exists one_time_codes (
  code_hash blob primary key,
  kind text not null check (kind in ('authorization', 'magic', 'pending')),
  user_id text not null references users on delete cascade,
  details text not null,
  expires_at text not null,
  used_at text
) strict;

create table if not exists device_codes (
  device_hash blob primary key,
  user_code text not null unique,
  user_id text references users on delete cascade,
  organization_id text,
  denied_at text,
  used_at text,
  polled_at text,
  interval_seconds integer not null,
  expires_at text not null
) strict;

create table if not exists machine_clients (
  client_id text primary key,
  secret_hash blob not null,
  organization_id text not null references organizations on delete cascade,
  name text not null,
  scopes text not null,
  id text,
  position text,
  description text,
  created_at text,
  updated_at text
) strict;
create index if not exists machine_clients_by_organization on machine_clients (organization_id);

create table if not exists machine_client_secrets (
  id text primary key,
  position text not null unique,
  client_id text not null references machine_clients on delete cascade,
  secret_hash blob not null,
  hint text not null,
  last_used_at text,
  created_at text not null,
  updated_at text not null
) strict;
create index if not exists machine_client_secrets_by_client on machine_client_secrets (client_id);

create table if not exists events (
  id text primary key,
  type text not null,
  organization_id text,
  body text not null,
  created_at text not null,
  visible_at text not null
) strict;
create index if not exists events_in_order on events (visible_at, id);
create index if not exists events_by_organization on events (organization_id, visible_at, id);

create table if not exists webhook_endpoints (
  id text primary key,
  position text not null unique,
  endpoint_url text not null unique,
  secret text not null,
  status text not null check (status in ('enabled', 'disabled')),
  events text not null,
  created_at text not null,
  updated_at text not null
) strict;

create table if not exists audit_actions (
  id text primary key,
  position text not null unique,
  name text not null unique,
  created_at text not null,
  updated_at text not null
) strict;

create table if not exists audit_schemas (
  id text primary key,
  position text not null unique,
  action text not null,
  version integer not null,
  body text not null,
  created_at text not null,
  unique (action, version)
) strict;

create table if not exists audit_events (
  id text primary key,
  organization_id text not null,
  idempotency_key text,
  event text not null,
  created_at text not null
) strict;
create index if not exists audit_events_by_key on audit_events (idempotency_key) where idempotency_key is not null;

create table if not exists audit_exports (
  id text primary key,
  filter text not null,
  created_at text not null
) strict;
`;

/** Columns added since the tables were first created. An older state file gets them when it is opened. */
export const ADDED_COLUMNS: readonly { table: string; column: string; type: string }[] = [
  { table: 'users', column: 'name', type: 'text' },
  { table: 'users', column: 'email_verified', type: 'integer not null default 1' },
  { table: 'users', column: 'external_id', type: 'text' },
  { table: 'users', column: 'metadata', type: `text not null default '{}'` },
  { table: 'users', column: 'locale', type: 'text' },
  { table: 'roles', column: 'description', type: 'text' },
  { table: 'roles', column: 'created_at', type: 'text' },
  { table: 'machine_clients', column: 'id', type: 'text' },
  { table: 'machine_clients', column: 'position', type: 'text' },
  { table: 'machine_clients', column: 'description', type: 'text' },
  { table: 'machine_clients', column: 'created_at', type: 'text' },
  { table: 'machine_clients', column: 'updated_at', type: 'text' },
];

/** Fills those columns in an older state file. */
export const FILL_COLUMNS = `
update machine_clients set id = 'conn_app_' || client_id, position = client_id,
  created_at = '2020-01-01T00:00:00.000Z', updated_at = '2020-01-01T00:00:00.000Z' where id is null;
`;
