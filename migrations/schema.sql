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
  constraint api_keys_pkey PRIMARY KEY (organization_id, id),
  constraint api_keys_secret_hash_key UNIQUE (secret_hash),
  constraint api_keys_workos_id_key UNIQUE (workos_id),
  constraint api_keys_organization_id_fkey FOREIGN KEY (organization_id) REFERENCES tenants(organization_id),
  constraint api_keys_origin_check CHECK (origin = ANY (ARRAY['latchkey'::text, 'workos'::text])),
  constraint api_keys_provisioned_check CHECK ((status = ANY (ARRAY['provisioning'::text, 'failed'::text])) OR workos_id IS NOT NULL AND prefix IS NOT NULL AND (secret_hash IS NOT NULL OR origin = 'workos'::text)),
  constraint api_keys_revoked_at_check CHECK ((status = 'revoked'::text) = (revoked_at IS NOT NULL)),
  constraint api_keys_status_check CHECK (status = ANY (ARRAY['provisioning'::text, 'active'::text, 'revoked'::text, 'failed'::text]))
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
  constraint audit_events_pkey PRIMARY KEY (organization_id, sequence),
  constraint audit_events_id_key UNIQUE (id),
  constraint audit_events_actor_kind_check CHECK (actor_kind = ANY (ARRAY['user'::text, 'machine'::text, 'api_key'::text, 'service'::text, 'system'::text, 'workos'::text]))
);

create table audit_heads (
  organization_id text not null,
  sequence bigint not null,
  hash bytea not null,
  constraint audit_heads_pkey PRIMARY KEY (organization_id)
);

create table event_cursors (
  name text not null,
  cursor text,
  event_at timestamp with time zone,
  leased_until timestamp with time zone,
  polled_at timestamp with time zone,
  constraint event_cursors_pkey PRIMARY KEY (name)
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
  constraint tenants_pkey PRIMARY KEY (organization_id),
  constraint tenants_billing_status_check CHECK (billing_status = ANY (ARRAY['active'::text, 'trial'::text, 'past_due'::text, 'decommissioning'::text])),
  constraint tenants_trial_ends_at_check CHECK (billing_status <> 'trial'::text OR trial_ends_at IS NOT NULL)
);

CREATE OR REPLACE FUNCTION public.refuse_audit_change()
 RETURNS trigger
 LANGUAGE plpgsql
AS $function$
    begin
      raise exception 'audit events are append-only' using errcode = 'insufficient_privilege';
    end
    $function$;

CREATE INDEX api_keys_due_at_idx ON public.api_keys USING btree (due_at) WHERE (due_at IS NOT NULL);

CREATE INDEX api_keys_organization_id_counted_idx ON public.api_keys USING btree (organization_id) WHERE (status = ANY (ARRAY['provisioning'::text, 'active'::text]));

CREATE INDEX api_keys_organization_id_created_at_idx ON public.api_keys USING btree (organization_id, created_at DESC, id DESC) WHERE (workos_id IS NOT NULL);

CREATE INDEX idempotency_keys_expires_at_idx ON public.idempotency_keys USING btree (expires_at);

CREATE TRIGGER audit_events_append_only BEFORE DELETE OR UPDATE ON public.audit_events FOR EACH ROW EXECUTE FUNCTION refuse_audit_change();

CREATE TRIGGER audit_events_no_truncate BEFORE TRUNCATE ON public.audit_events FOR EACH STATEMENT EXECUTE FUNCTION refuse_audit_change();

grant delete, insert, select, update on api_keys to latchkey_app;

grant insert, select on audit_events to latchkey_app;

grant delete, insert, select, update on audit_heads to latchkey_app;

grant delete, insert, select, update on event_cursors to latchkey_app;

grant delete, insert, select, update on idempotency_keys to latchkey_app;

grant delete, insert, select, update on tenants to latchkey_app;

alter default privileges in schema public grant delete, insert, select, update on tables to latchkey_app;
