create table api_keys (
  organization_id text not null,
  id text not null,
  workos_id text,
  origin text not null,
  status text not null,
  label text not null,
  description text,
  metadata jsonb not null,
  permission_set text,
  scopes text[] not null,
  prefix text,
  secret_hash bytea,
  expires_at timestamp with time zone,
  rotated_from text,
  rotated_to text,
  created_by_kind text not null,
  created_by_id text not null,
  created_at timestamp with time zone not null,
  updated_at timestamp with time zone not null,
  revoked_at timestamp with time zone,
  workos_deleted_at timestamp with time zone,
  workos_expires_at timestamp with time zone,
  workos_updated_at timestamp with time zone,
  workos_expected_at timestamp with time zone,
  workos_seen_at timestamp with time zone,
  due_at timestamp with time zone,
  attempts integer not null default 0,
  rate_limit integer,
  rate_limit_window_seconds integer,
  concurrency integer,
  hash_key text not null default ''::text,
  environment text not null default 'live'::text,
  owner_user_id text,
  ip_allow_list text[] not null default '{}'::text[],
  suspended_at timestamp with time zone,
  suspended_by_kind text,
  suspended_by_id text,
  suspension_reason text,
  leaked_at timestamp with time zone,
  locator text,
  salted_hash text,
  constraint api_keys_pkey PRIMARY KEY (organization_id, id),
  constraint api_keys_secret_hash_key UNIQUE (secret_hash),
  constraint api_keys_workos_id_key UNIQUE (workos_id),
  constraint api_keys_organization_id_fkey FOREIGN KEY (organization_id) REFERENCES tenants(organization_id),
  constraint api_keys_concurrency_check CHECK (concurrency > 0),
  constraint api_keys_environment_check CHECK (environment = ANY (ARRAY['live'::text, 'test'::text])),
  constraint api_keys_imported_check CHECK (
CASE
    WHEN origin = 'imported'::text THEN "left"(workos_id, 4) = 'imp_'::text AND due_at IS NULL
    ELSE workos_id IS NULL OR "left"(workos_id, 4) <> 'imp_'::text
END),
  constraint api_keys_locator_check CHECK ((locator IS NULL) = (salted_hash IS NULL) AND (locator IS NULL OR origin = 'imported'::text)),
  constraint api_keys_origin_check CHECK (origin = ANY (ARRAY['latchkey'::text, 'workos'::text, 'ci'::text, 'imported'::text])),
  constraint api_keys_provisioned_check CHECK ((status = ANY (ARRAY['provisioning'::text, 'failed'::text])) OR workos_id IS NOT NULL AND prefix IS NOT NULL AND (secret_hash IS NOT NULL OR origin = 'workos'::text)),
  constraint api_keys_rate_limit_check CHECK ((rate_limit IS NULL) = (rate_limit_window_seconds IS NULL) AND rate_limit > 0 AND rate_limit_window_seconds > 0),
  constraint api_keys_revoked_at_check CHECK ((status = 'revoked'::text) = (revoked_at IS NOT NULL)),
  constraint api_keys_status_check CHECK (status = ANY (ARRAY['provisioning'::text, 'active'::text, 'revoked'::text, 'failed'::text])),
  constraint api_keys_suspension_check CHECK ((suspended_at IS NULL) = (suspended_by_kind IS NULL) AND (suspended_at IS NULL) = (suspended_by_id IS NULL) AND (suspension_reason IS NULL OR suspended_at IS NOT NULL))
);

create table audit_chain_heads (
  organization_id text not null,
  sequence bigint not null,
  hash bytea not null,
  sealed_sequence bigint not null default 0,
  constraint audit_heads_pkey PRIMARY KEY (organization_id)
);

create table audit_closing_seals (
  part integer not null,
  line text not null,
  constraint audit_closing_seals_pkey PRIMARY KEY (part)
);

create table audit_events (
  organization_id text not null,
  sequence bigint not null,
  id text not null,
  occurred_at timestamp with time zone not null,
  action text not null,
  actor_kind text not null,
  actor_id text not null,
  target_kind text not null,
  target_id text not null,
  request_id text,
  ip text,
  details jsonb not null,
  hash bytea not null,
  link_version smallint not null default 1,
  link_key text not null default ''::text,
  constraint audit_events_pkey PRIMARY KEY (organization_id, sequence),
  constraint audit_events_id_key UNIQUE (id),
  constraint audit_events_actor_kind_check CHECK (actor_kind = ANY (ARRAY['user'::text, 'machine'::text, 'api_key'::text, 'service'::text, 'system'::text, 'workos'::text, 'ci'::text, 'staff'::text]))
);

create view audit_heads as
 SELECT organization_id,
    sequence,
    hash
   FROM audit_chain_heads;

create table background_failures (
  loop text not null,
  item text not null,
  organization_id text,
  attempts integer not null,
  first_failed_at timestamp with time zone not null,
  last_failed_at timestamp with time zone not null,
  due_at timestamp with time zone not null,
  dead_at timestamp with time zone,
  last_failure text not null,
  payload jsonb,
  constraint background_failures_pkey PRIMARY KEY (loop, item),
  constraint background_failures_last_failure_check CHECK (char_length(last_failure) <= 500),
  constraint background_failures_payload_check CHECK (octet_length(payload::text) <= 262144)
);

create table ci_policies (
  organization_id text not null,
  id text not null,
  name text not null,
  issuer text not null,
  issuer_organization text,
  permission_sets text[] not null,
  scopes text[] not null,
  environments text[] not null,
  max_lifetime_seconds integer not null,
  max_active_keys integer not null,
  conditions jsonb not null,
  enabled boolean not null,
  created_by_kind text not null,
  created_by_id text not null,
  created_at timestamp with time zone not null,
  updated_at timestamp with time zone not null,
  issue text not null default 'api_key'::text,
  constraint ci_policies_pkey PRIMARY KEY (id),
  constraint ci_policies_name_key UNIQUE (organization_id, name),
  constraint ci_policies_organization_id_fkey FOREIGN KEY (organization_id) REFERENCES tenants(organization_id),
  constraint ci_policies_issue_check CHECK (issue = ANY (ARRAY['api_key'::text, 'session'::text])),
  constraint ci_policies_max_active_keys_check CHECK (max_active_keys > 0),
  constraint ci_policies_max_lifetime_seconds_check CHECK (max_lifetime_seconds > 0)
);

create table ci_sessions (
  organization_id text not null,
  id text not null,
  policy_id text not null,
  token_hash bytea not null,
  key_metadata jsonb not null,
  created_at timestamp with time zone not null,
  expires_at timestamp with time zone not null,
  ended_at timestamp with time zone,
  constraint ci_sessions_pkey PRIMARY KEY (organization_id, id),
  constraint ci_sessions_token_hash_key UNIQUE (token_hash),
  constraint ci_sessions_policy_id_fkey FOREIGN KEY (policy_id) REFERENCES ci_policies(id) ON DELETE CASCADE
);

create table ci_token_uses (
  organization_id text not null,
  token_hash bytea not null,
  key_row_id text not null,
  is_made boolean not null default false,
  expires_at timestamp with time zone not null,
  constraint ci_token_uses_pkey PRIMARY KEY (organization_id, token_hash)
);

create table configured_grants (
  kind text not null,
  name text not null,
  scopes text[] not null,
  followed boolean not null,
  since timestamp with time zone not null,
  before_scopes text[],
  before_followed boolean,
  told_to text,
  constraint configured_grants_pkey PRIMARY KEY (kind, name),
  constraint configured_grants_before_check CHECK ((before_scopes IS NULL) = (before_followed IS NULL) AND (before_scopes IS NULL) = (told_to IS NULL)),
  constraint configured_grants_kind_check CHECK (kind = ANY (ARRAY['permission_set'::text, 'scope'::text]))
);

create table event_cursors (
  name text not null,
  cursor text,
  event_at timestamp with time zone,
  leased_until timestamp with time zone,
  polled_at timestamp with time zone,
  caught_up_from timestamp with time zone,
  constraint event_cursors_pkey PRIMARY KEY (name)
);

create table hook_inbox (
  id text not null,
  source text not null,
  event_id text not null,
  type text not null,
  organization_id text,
  customer_id text,
  occurred_at timestamp with time zone,
  received_at timestamp with time zone not null,
  outcome text not null,
  detail text,
  attempts integer not null,
  payload jsonb not null,
  constraint hook_inbox_pkey PRIMARY KEY (id),
  constraint hook_inbox_event_key UNIQUE (source, event_id),
  constraint hook_inbox_outcome_check CHECK (outcome = ANY (ARRAY['applied'::text, 'unchanged'::text, 'stale'::text, 'ignored'::text, 'unknown_tenant'::text, 'unreadable'::text, 'refused'::text])),
  constraint hook_inbox_payload_check CHECK (octet_length(payload::text) <= 262144),
  constraint hook_inbox_source_check CHECK (source ~ '^[a-z][a-z0-9_]{0,31}$'::text)
);

create table idempotency_keys (
  organization_id text not null,
  key_hash bytea not null,
  request_hash bytea not null,
  row_id text not null,
  locked_until timestamp with time zone not null,
  sealed bytea,
  expires_at timestamp with time zone not null,
  constraint idempotency_keys_pkey PRIMARY KEY (organization_id, key_hash)
);

create table invalidation_beats (
  id boolean not null default true,
  number bigint not null default 0,
  at timestamp with time zone not null default '-infinity'::timestamp with time zone,
  behind_since timestamp with time zone,
  constraint invalidation_beats_pkey PRIMARY KEY (id),
  constraint invalidation_beats_id_check CHECK (id)
);

create table invalidations (
  transaction_id xid8 not null default pg_current_xact_id(),
  id bigint not null generated always as identity,
  organization_id text not null,
  key_id text,
  session_id text,
  constraint invalidations_pkey PRIMARY KEY (transaction_id, id)
);

create table key_imports (
  name text not null,
  state text not null,
  run text not null,
  source_digest bytea,
  position bigint not null default 0,
  imported bigint not null default 0,
  revoked bigint not null default 0,
  refused bigint not null default 0,
  removed bigint not null default 0,
  started_at timestamp with time zone not null,
  updated_at timestamp with time zone not null,
  constraint key_imports_pkey PRIMARY KEY (name),
  constraint key_imports_state_check CHECK (state = ANY (ARRAY['applying'::text, 'applied'::text, 'undoing'::text, 'undone'::text]))
);

create table key_last_uses (
  organization_id text not null,
  key_id text not null,
  used_at timestamp with time zone not null,
  ip text,
  agent text,
  constraint key_last_uses_pkey PRIMARY KEY (organization_id, key_id)
) with (fillfactor=50);

create table key_leaks (
  organization_id text not null,
  key_row_id text not null,
  place bytea not null,
  reported_at timestamp with time zone not null,
  constraint key_leaks_pkey PRIMARY KEY (organization_id, key_row_id, place),
  constraint key_leaks_key_row_id_fkey FOREIGN KEY (organization_id, key_row_id) REFERENCES api_keys(organization_id, id) ON DELETE CASCADE
);

create table key_scope_uses (
  organization_id text not null,
  key_id text not null,
  scope text not null,
  used_on date not null,
  constraint key_scope_uses_pkey PRIMARY KEY (organization_id, key_id, scope)
);

create table known_accounts (
  account_hash text not null,
  organization_id text not null,
  user_id text not null,
  noted_at timestamp with time zone not null,
  constraint known_accounts_pkey PRIMARY KEY (account_hash, organization_id)
);

create table members (
  organization_id text not null,
  user_id text not null,
  active boolean not null,
  roles text[] not null default '{}'::text[],
  permissions text[],
  member_as_of timestamp with time zone not null,
  permissions_as_of timestamp with time zone,
  due_at timestamp with time zone,
  attempts integer not null default 0,
  revision integer not null default 0,
  created_at timestamp with time zone not null,
  updated_at timestamp with time zone not null,
  constraint members_pkey PRIMARY KEY (organization_id, user_id)
);

create table notice_marks (
  organization_id text not null,
  subject text not null,
  kind text not null,
  at timestamp with time zone not null,
  told_at timestamp with time zone not null,
  constraint notice_marks_pkey PRIMARY KEY (organization_id, subject, kind, at)
);

create table notice_postures (
  organization_id text not null,
  posture text not null,
  billing_status text,
  status_since timestamp with time zone,
  trial_ends_at timestamp with time zone,
  deleted_at timestamp with time zone,
  until timestamp with time zone,
  constraint notice_postures_pkey PRIMARY KEY (organization_id)
);

create table outbox (
  id text not null,
  endpoint text not null,
  organization_id text not null,
  sequence bigint not null generated always as identity,
  type text not null,
  body text not null,
  status text not null default 'waiting'::text,
  attempts integer not null default 0,
  last_failure text,
  created_at timestamp with time zone not null,
  retry_until timestamp with time zone not null,
  ended_at timestamp with time zone,
  recent_attempts jsonb not null default '[]'::jsonb,
  constraint outbox_pkey PRIMARY KEY (id),
  constraint outbox_ended_at_check CHECK ((status = 'waiting'::text) = (ended_at IS NULL)),
  constraint outbox_status_check CHECK (status = ANY (ARRAY['waiting'::text, 'delivered'::text, 'dropped'::text, 'dead'::text]))
);

create table outbox_endpoints (
  name text not null,
  since timestamp with time zone not null,
  constraint outbox_endpoints_pkey PRIMARY KEY (name)
);

create table outbox_lanes (
  endpoint text not null,
  organization_id text not null,
  due_at timestamp with time zone,
  holder bigint not null default 0,
  constraint outbox_lanes_pkey PRIMARY KEY (endpoint, organization_id)
);

create table replicas (
  id text not null,
  role text not null,
  seen_at timestamp with time zone not null,
  constraint replicas_pkey PRIMARY KEY (id),
  constraint replicas_role_check CHECK (role = ANY (ARRAY['all'::text, 'api'::text, 'worker'::text]))
);

create table scope_use_recording (
  id boolean not null default true,
  began_at timestamp with time zone not null,
  constraint scope_use_recording_pkey PRIMARY KEY (id),
  constraint scope_use_recording_id_check CHECK (id)
);

create table session_tokens (
  session_id text not null,
  token_hash bytea not null,
  sealed_refresh bytea,
  user_id text not null,
  organization_id text not null,
  role text,
  scopes text[] not null,
  issued_at timestamp with time zone not null,
  facts_until timestamp with time zone not null,
  renewing_until timestamp with time zone,
  lost_at timestamp with time zone,
  constraint session_tokens_pkey PRIMARY KEY (session_id),
  constraint session_tokens_token_hash_key UNIQUE (token_hash),
  constraint session_tokens_session_id_fkey FOREIGN KEY (session_id) REFERENCES user_sessions(session_id) ON DELETE CASCADE
);

create table stripe_subscriptions (
  subscription_id text not null,
  customer_id text,
  named_organization_id text,
  last_event_at timestamp with time zone not null,
  events jsonb not null,
  constraint stripe_subscriptions_pkey PRIMARY KEY (subscription_id)
);

create table tasks (
  organization_id text not null,
  holder text not null,
  name text not null,
  api_key_id text not null,
  taken_at timestamp with time zone not null,
  expires_at timestamp with time zone not null,
  ttl_seconds integer,
  constraint tasks_pkey PRIMARY KEY (organization_id, holder, name)
);

create table tenants (
  organization_id text not null,
  name text,
  billing_status text,
  trial_ends_at timestamp with time zone,
  plan text,
  workos_updated_at timestamp with time zone,
  deleted_at timestamp with time zone,
  created_at timestamp with time zone not null,
  updated_at timestamp with time zone not null,
  key_limit integer,
  billing_occurred_at timestamp with time zone,
  billing_reason text,
  status_since timestamp with time zone,
  decommission_at timestamp with time zone,
  decommissioned_at timestamp with time zone,
  stripe_customer_id text,
  plan_occurred_at timestamp with time zone,
  key_limit_occurred_at timestamp with time zone,
  test_organization_id text,
  ip_allow_list text[] not null default '{}'::text[],
  constraint tenants_pkey PRIMARY KEY (organization_id),
  constraint tenants_billing_status_check CHECK (billing_status = ANY (ARRAY['active'::text, 'trial'::text, 'past_due'::text, 'decommissioning'::text])),
  constraint tenants_decommission_at_check CHECK (decommission_at IS NULL OR billing_status = 'decommissioning'::text),
  constraint tenants_key_limit_check CHECK (key_limit >= 0),
  constraint tenants_test_organization_id_check CHECK (test_organization_id <> ''::text),
  constraint tenants_trial_ends_at_check CHECK (billing_status <> 'trial'::text OR trial_ends_at IS NOT NULL)
);

create table unreadable_workos_events (
  environment text not null,
  event_id text not null,
  type text not null,
  body text,
  reason text not null,
  source text not null,
  received_at timestamp with time zone not null,
  tried_at timestamp with time zone not null,
  constraint unreadable_workos_events_pkey PRIMARY KEY (environment, event_id),
  constraint unreadable_workos_events_environment_check CHECK (environment = ANY (ARRAY['live'::text, 'test'::text])),
  constraint unreadable_workos_events_source_check CHECK (source = ANY (ARRAY['hook'::text, 'poll'::text]))
);

create table usage_counts (
  organization_id text not null,
  key_id text not null,
  hour timestamp with time zone not null,
  code text not null,
  count bigint not null,
  constraint usage_counts_pkey PRIMARY KEY (organization_id, key_id, hour, code)
) partition by RANGE (hour);

create table usage_counts_default partition of usage_counts default with (fillfactor=50);

create table user_sessions (
  session_id text not null,
  user_id text not null,
  organization_id text,
  last_active_at timestamp with time zone not null,
  ended_at timestamp with time zone,
  end_reason text,
  workos_revoked_at timestamp with time zone,
  due_at timestamp with time zone,
  attempts integer not null default 0,
  refresh_hash text,
  constraint user_sessions_pkey PRIMARY KEY (session_id),
  constraint user_sessions_end_reason_check CHECK (end_reason = ANY (ARRAY['signed_out'::text, 'inactive'::text, 'refused'::text, 'revoked'::text])),
  constraint user_sessions_ended_check CHECK ((ended_at IS NULL) = (end_reason IS NULL))
);

create table workos_hold_offs (
  budget text not null,
  until timestamp with time zone not null,
  constraint workos_hold_offs_pkey PRIMARY KEY (budget),
  constraint workos_hold_offs_budget_check CHECK (budget = ANY (ARRAY['live'::text, 'live_audit_logs'::text, 'test'::text, 'test_audit_logs'::text]))
);

CREATE OR REPLACE FUNCTION public.append_audit_events(organization text, events jsonb)
 RETURNS void
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
    declare
      head_sequence bigint;
      added record;
    begin
      select h.sequence into strict head_sequence
      from public.audit_chain_heads h where h.organization_id = organization for no key update;
      with inserted as (
        insert into public.audit_events (organization_id, sequence, id, occurred_at, action, actor_kind, actor_id,
          target_kind, target_id, request_id, ip, details, hash, link_version, link_key)
        select organization, e.sequence, e.id, e.occurred_at, e.action, e.actor_kind, e.actor_id, e.target_kind,
          e.target_id, e.request_id, e.ip, e.details, decode(e.hash, 'base64'), 2, e.link_key
        from jsonb_to_recordset(events) as e (sequence bigint, id text, occurred_at timestamptz, action text,
          actor_kind text, actor_id text, target_kind text, target_id text, request_id text, ip text, details jsonb,
          hash text, link_key text)
        returning audit_events.sequence, audit_events.hash, audit_events.link_key
      )
      select count(*) as events, min(i.sequence) as first, max(i.sequence) as last,
        (array_agg(i.hash order by i.sequence desc))[1] as hash,
        bool_and(octet_length(i.hash) = 32 and i.link_key ~ '^[0-9a-f]{8}$') as keyed
      into added from inserted i;
      if added.events = 0 or added.first <> head_sequence + 1 or added.last <> head_sequence + added.events
        or not added.keyed then
        raise exception 'audit events must follow the head, with keyed links' using errcode = 'check_violation';
      end if;
      update public.audit_chain_heads h set sequence = added.last, hash = added.hash
      where h.organization_id = organization;
    end
    $function$;

CREATE OR REPLACE FUNCTION public.forget_last_use()
 RETURNS trigger
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
    begin
      delete from public.key_last_uses where organization_id = old.organization_id and key_id = old.workos_id;
      return null;
    end
    $function$;

CREATE OR REPLACE FUNCTION public.keep_usage_partitions(months_kept integer, months_ahead integer)
 RETURNS boolean
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
 SET "TimeZone" TO 'UTC'
 SET lock_timeout TO '2s'
AS $function$
    declare
      this_month constant timestamptz := date_trunc('month', now());
      oldest timestamptz;
      starts timestamptz;
      part text;
    begin
      if months_kept is null or months_kept not between 1 and 120 then
        raise exception 'months_kept must be 1 to 120' using errcode = 'invalid_parameter_value';
      end if;
      if months_ahead is null or months_ahead not between 0 and 12 then
        raise exception 'months_ahead must be 0 to 12' using errcode = 'invalid_parameter_value';
      end if;
      if not pg_try_advisory_xact_lock(hashtext('latchkey usage partitions')) then
        return false;
      end if;
      oldest := this_month - make_interval(months => months_kept);

      -- First, because dropping locks the table before its partitions, as everybody does who reads or writes.
      for part in
        select c.relname from pg_inherits i join pg_class c on c.oid = i.inhrelid
        where i.inhparent = 'public.usage_counts'::regclass and c.relname ~ '^usage_counts_[0-9]{4}_[0-9]{2}$'
          and to_timestamp(right(c.relname, 7), 'YYYY_MM') < oldest
        order by c.relname
      loop
        execute format('drop table public.%I', part);
      end loop;
      delete from public.usage_counts_default where hour < oldest;

      for i in 0..months_ahead loop
        starts := this_month + make_interval(months => i);
        part := 'usage_counts_' || to_char(starts, 'YYYY_MM');
        continue when to_regclass('public.' || part) is not null;
        -- Made beside the table and attached, which lets others read and write meanwhile.
        execute format('create table public.%I (like public.usage_counts including all) with (fillfactor = 50)', part);
        if exists (select from pg_roles where rolname = 'latchkey_app') then
          execute format('revoke all on public.%I from latchkey_app', part);
        end if;
        lock table public.usage_counts_default in access exclusive mode;
        execute format(
          'with moved as (delete from public.usage_counts_default where hour >= $1 and hour < $2 returning *)
           insert into public.%I select * from moved', part)
          using starts, starts + interval '1 month';
        execute format('alter table public.usage_counts attach partition public.%I for values from (%L) to (%L)',
          part, starts, starts + interval '1 month');
      end loop;
      return true;
    end
    $function$;

CREATE OR REPLACE FUNCTION public.lock_audit_head(organization text, OUT head_sequence bigint, OUT head_hash bytea)
 RETURNS record
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
    begin
      select h.sequence, h.hash into head_sequence, head_hash
      from public.audit_chain_heads h where h.organization_id = organization for no key update;
      if not found then
        insert into public.audit_chain_heads (organization_id, sequence, hash)
        values (organization, 0, decode(repeat('00', 32), 'hex')) on conflict do nothing;
        select h.sequence, h.hash into head_sequence, head_hash
        from public.audit_chain_heads h where h.organization_id = organization for no key update;
      end if;
    end
    $function$;

CREATE OR REPLACE FUNCTION public.mark_audit_heads_sealed(organizations text[], sequences bigint[])
 RETURNS void
 LANGUAGE sql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
      with sealed as (
        select h.organization_id, s.sequence
        from unnest(organizations, sequences) as s (organization_id, sequence)
        join public.audit_chain_heads h on h.organization_id = s.organization_id
        where s.sequence between h.sealed_sequence and h.sequence
        order by h.organization_id
        for no key update of h skip locked
      )
      update public.audit_chain_heads h set sealed_sequence = sealed.sequence
      from sealed where h.organization_id = sealed.organization_id
    $function$;

CREATE OR REPLACE FUNCTION public.refuse_audit_change()
 RETURNS trigger
 LANGUAGE plpgsql
AS $function$
    begin
      raise exception 'audit events are append-only' using errcode = 'insufficient_privilege';
    end
    $function$;

grant execute on function append_audit_events(text,jsonb) to latchkey_app;

grant execute on function keep_usage_partitions(integer,integer) to latchkey_app;

grant execute on function lock_audit_head(text) to latchkey_app;

grant execute on function mark_audit_heads_sealed(text[],bigint[]) to latchkey_app;

CREATE INDEX api_keys_ci_expires_at_idx ON public.api_keys USING btree (expires_at) WHERE ((origin = 'ci'::text) AND (due_at IS NULL));

CREATE INDEX api_keys_ci_idx ON public.api_keys USING btree (organization_id, expires_at) WHERE ((origin = 'ci'::text) AND (status = ANY (ARRAY['provisioning'::text, 'active'::text])));

CREATE INDEX api_keys_created_by_id_idx ON public.api_keys USING btree (organization_id, created_by_id) WHERE ((created_by_kind = 'user'::text) AND (status = 'active'::text));

CREATE INDEX api_keys_due_at_idx ON public.api_keys USING btree (due_at) WHERE (due_at IS NOT NULL);

CREATE INDEX api_keys_expires_at_idx ON public.api_keys USING btree (expires_at) WHERE ((status = 'active'::text) AND (expires_at IS NOT NULL));

CREATE INDEX api_keys_hash_key_idx ON public.api_keys USING btree (hash_key, "right"(prefix, 4)) WHERE (status = 'active'::text);

CREATE INDEX api_keys_imported_idx ON public.api_keys USING btree (created_by_id, id) WHERE (origin = 'imported'::text);

CREATE INDEX api_keys_locator_idx ON public.api_keys USING btree (hash_key, locator, id) WHERE (locator IS NOT NULL);

CREATE INDEX api_keys_organization_id_counted_idx ON public.api_keys USING btree (organization_id) WHERE (status = ANY (ARRAY['provisioning'::text, 'active'::text]));

CREATE INDEX api_keys_organization_id_created_at_idx ON public.api_keys USING btree (organization_id, created_at DESC, id DESC) WHERE (workos_id IS NOT NULL);

CREATE INDEX api_keys_organization_id_expires_at_idx ON public.api_keys USING btree (organization_id, COALESCE(expires_at, 'infinity'::timestamp with time zone), id) WHERE (workos_id IS NOT NULL);

CREATE INDEX api_keys_organization_id_label_idx ON public.api_keys USING btree (organization_id, lower((label COLLATE "C")), id) WHERE (workos_id IS NOT NULL);

CREATE INDEX api_keys_owner_everywhere_idx ON public.api_keys USING btree (owner_user_id) WHERE ((owner_user_id IS NOT NULL) AND (status = ANY (ARRAY['provisioning'::text, 'active'::text])));

CREATE INDEX api_keys_owner_idx ON public.api_keys USING btree (organization_id, owner_user_id) WHERE (owner_user_id IS NOT NULL);

CREATE INDEX api_keys_unused_idx ON public.api_keys USING btree ("right"(prefix, 4)) WHERE ((status = 'active'::text) AND (secret_hash IS NULL));

CREATE INDEX audit_chain_heads_unsealed_idx ON public.audit_chain_heads USING btree (organization_id) WHERE (sequence <> sealed_sequence);

CREATE INDEX audit_events_action_idx ON public.audit_events USING btree (organization_id, action, sequence);

CREATE INDEX audit_events_actor_action_idx ON public.audit_events USING btree (organization_id, actor_id, action, sequence);

CREATE INDEX audit_events_actor_idx ON public.audit_events USING btree (organization_id, actor_id, sequence);

CREATE INDEX audit_events_occurred_at_idx ON public.audit_events USING btree (organization_id, occurred_at, sequence);

CREATE INDEX audit_events_target_idx ON public.audit_events USING btree (organization_id, target_id, sequence);

CREATE INDEX audit_events_unkeyed_idx ON public.audit_events USING btree (organization_id, sequence) WHERE (link_version = 1);

CREATE INDEX background_failures_dead_idx ON public.background_failures USING btree (loop, item) WHERE (dead_at IS NOT NULL);

CREATE INDEX background_failures_due_at_idx ON public.background_failures USING btree (loop, due_at);

CREATE INDEX background_failures_last_failed_at_idx ON public.background_failures USING btree (last_failed_at) WHERE (payload IS NULL);

CREATE INDEX ci_policies_organization_id_idx ON public.ci_policies USING btree (organization_id, id);

CREATE INDEX ci_sessions_expires_at_idx ON public.ci_sessions USING btree (expires_at);

CREATE INDEX ci_sessions_policy_id_idx ON public.ci_sessions USING btree (policy_id);

CREATE INDEX ci_token_uses_expires_at_idx ON public.ci_token_uses USING btree (expires_at);

CREATE INDEX hook_inbox_organization_id_idx ON public.hook_inbox USING btree (organization_id, occurred_at);

CREATE INDEX hook_inbox_received_at_idx ON public.hook_inbox USING btree (received_at);

CREATE INDEX hook_inbox_waiting_idx ON public.hook_inbox USING btree (customer_id) WHERE (outcome = 'unknown_tenant'::text);

CREATE INDEX idempotency_keys_expires_at_idx ON public.idempotency_keys USING btree (expires_at);

CREATE INDEX key_scope_uses_used_on_idx ON public.key_scope_uses USING btree (used_on);

CREATE INDEX known_accounts_by_noted_at ON public.known_accounts USING btree (noted_at);

CREATE INDEX members_due_at_idx ON public.members USING btree (due_at) WHERE (due_at IS NOT NULL);

CREATE INDEX members_roles_idx ON public.members USING gin (roles);

CREATE INDEX members_user_id_idx ON public.members USING btree (user_id);

CREATE INDEX notice_marks_told_at_idx ON public.notice_marks USING btree (kind, told_at);

CREATE INDEX notice_postures_until_idx ON public.notice_postures USING btree (until) WHERE (until IS NOT NULL);

CREATE INDEX outbox_ended_at_idx ON public.outbox USING btree (status, ended_at) WHERE (ended_at IS NOT NULL);

CREATE INDEX outbox_waiting_idx ON public.outbox USING btree (endpoint, organization_id, sequence) WHERE (status = 'waiting'::text);

CREATE INDEX outbox_watched_idx ON public.outbox USING btree (organization_id, id) WHERE (endpoint <> 'workos'::text);

CREATE INDEX outbox_lanes_due_at_idx ON public.outbox_lanes USING btree (endpoint, due_at) WHERE (due_at IS NOT NULL);

CREATE INDEX stripe_subscriptions_customer_id_idx ON public.stripe_subscriptions USING btree (customer_id) WHERE (customer_id IS NOT NULL);

CREATE INDEX stripe_subscriptions_named_organization_id_idx ON public.stripe_subscriptions USING btree (named_organization_id) WHERE (named_organization_id IS NOT NULL);

CREATE INDEX tasks_expires_at_idx ON public.tasks USING btree (expires_at);

CREATE INDEX tenants_created_at_idx ON public.tenants USING btree (created_at DESC, organization_id DESC);

CREATE INDEX tenants_decommission_at_idx ON public.tenants USING btree (decommission_at) WHERE ((decommission_at IS NOT NULL) AND (decommissioned_at IS NULL));

CREATE INDEX tenants_stripe_customer_id_idx ON public.tenants USING btree (stripe_customer_id) WHERE (stripe_customer_id IS NOT NULL);

CREATE UNIQUE INDEX tenants_test_organization_idx ON public.tenants USING btree (test_organization_id) WHERE (test_organization_id IS NOT NULL);

CREATE INDEX tenants_trial_ends_at_idx ON public.tenants USING btree (trial_ends_at) WHERE (billing_status = 'trial'::text);

CREATE INDEX unreadable_workos_events_by_tried_at ON public.unreadable_workos_events USING btree (tried_at);

CREATE INDEX user_sessions_by_refresh_hash ON public.user_sessions USING btree (refresh_hash);

CREATE INDEX user_sessions_due_at_idx ON public.user_sessions USING btree (due_at) WHERE (due_at IS NOT NULL);

CREATE INDEX user_sessions_ended_at_idx ON public.user_sessions USING btree (ended_at) WHERE (ended_at IS NOT NULL);

CREATE INDEX user_sessions_last_active_at_idx ON public.user_sessions USING btree (last_active_at) WHERE (ended_at IS NULL);

CREATE TRIGGER forget_last_use AFTER DELETE ON public.api_keys FOR EACH ROW EXECUTE FUNCTION forget_last_use();

CREATE TRIGGER audit_events_append_only BEFORE DELETE OR UPDATE ON public.audit_events FOR EACH ROW EXECUTE FUNCTION refuse_audit_change();

CREATE TRIGGER audit_events_no_truncate BEFORE TRUNCATE ON public.audit_events FOR EACH STATEMENT EXECUTE FUNCTION refuse_audit_change();

grant delete, insert, select, update on api_keys to latchkey_app;

grant select on audit_chain_heads to latchkey_app;

grant select on audit_closing_seals to latchkey_app;

grant insert, select on audit_events to latchkey_app;

grant delete, insert, select, update on audit_heads to latchkey_app;

grant delete, insert, select, update on background_failures to latchkey_app;

grant delete, insert, select, update on ci_policies to latchkey_app;

grant delete, insert, select, update on ci_sessions to latchkey_app;

grant delete, insert, select, update on ci_token_uses to latchkey_app;

grant delete, insert, select, update on configured_grants to latchkey_app;

grant delete, insert, select, update on event_cursors to latchkey_app;

grant delete, insert, select, update on hook_inbox to latchkey_app;

grant delete, insert, select, update on idempotency_keys to latchkey_app;

grant delete, insert, select, update on invalidation_beats to latchkey_app;

grant delete, insert, select, update on invalidations to latchkey_app;

grant delete, insert, select, update on key_imports to latchkey_app;

grant insert, select, update on key_last_uses to latchkey_app;

grant delete, insert, select, update on key_leaks to latchkey_app;

grant delete, insert, select, update on key_scope_uses to latchkey_app;

grant delete, insert, select, update on known_accounts to latchkey_app;

grant delete, insert, select, update on members to latchkey_app;

grant delete, insert, select, update on notice_marks to latchkey_app;

grant delete, insert, select, update on notice_postures to latchkey_app;

grant delete, insert, select, update on outbox to latchkey_app;

grant delete, insert, select, update on outbox_endpoints to latchkey_app;

grant delete, insert, select, update on outbox_lanes to latchkey_app;

grant delete, insert, select, update on replicas to latchkey_app;

grant delete, insert, select, update on scope_use_recording to latchkey_app;

grant delete, insert, select, update on session_tokens to latchkey_app;

grant delete, insert, select, update on stripe_subscriptions to latchkey_app;

grant delete, insert, select, update on tasks to latchkey_app;

grant delete, insert, select, update on tenants to latchkey_app;

grant delete, insert, select, update on unreadable_workos_events to latchkey_app;

grant insert, select, update on usage_counts to latchkey_app;

grant delete, insert, select, update on user_sessions to latchkey_app;

grant delete, insert, select, update on workos_hold_offs to latchkey_app;

alter default privileges in schema public grant delete, insert, select, update on tables to latchkey_app;
