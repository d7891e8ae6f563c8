import { z } from 'zod';
import { SIGN_IN_REFUSALS } from './sign-in-refusals.ts';

const MAX_MS = 600_000;
const CookieName = z.string().regex(/^[\w!#$%&'*+.^`|~-]{1,64}$/);

/**
 * Ways in which the real WorkOS, or an AuthKit application on it, may differ from this one. Each switch is one divergence;
 * its default is today's best evidence.
 */
export const Switches = z.strictObject({
  /** Name of the AuthKit application's session cookie. */
  cookie_name: CookieName.default('wos_session'),
  /** Splits a longer cookie into `name.0`, `name.1`, …, as some applications do; null: never. */
  cookie_part_bytes: z.int().min(64).max(65_536).nullable().default(null),
  /** Bytes added to every person's record, and so to a sealed session. */
  user_padding_bytes: z.int().min(0).max(16_384).default(0),
  /** Suffix of the address in the issuer of session tokens. */
  issuer_form: z.enum(['user_management', 'bare', 'slash', 'sso']).default('user_management'),
  /** Address in that issuer: a custom domain, or WorkOS's own; null: this server's. */
  issuer_url: z
    .url({ protocol: /^https?$/ })
    .nullable()
    .default(null),
  /** Further applications, each with its own JWKS for sessions. */
  client_ids: z
    .array(z.string().regex(/^client_\w{1,64}$/))
    .max(10)
    .default([]),
  /** `iso`: 2026-01-01T00:00:00.000Z, `plain`: 2026-01-01 00:00:00.000, `words`: an undocumented form. */
  timestamps: z.enum(['iso', 'plain', 'words']).default('iso'),
  /** Every so many events, one keeps its place but becomes visible only `late_event_ms` later; 0: none. */
  late_event_every: z.int().min(0).max(1_000).default(0),
  late_event_ms: z.int().min(0).max(MAX_MS).default(0),
  /** `required` answers 400 to an audit event whose action has no schema, or whose schema version refuses it. */
  audit_schemas: z.enum(['ignored', 'required']).default('ignored'),
  /** Requests per window and secret; further ones are answered with 429. */
  rate_limit: z
    .strictObject({
      requests: z.int().min(1).max(1_000_000),
      window_ms: z.int().min(1).max(MAX_MS),
      /** Whether the 429 has `Retry-After`, which is undocumented. */
      retry_after: z.boolean(),
    })
    .nullable()
    .default(null),
  /** Prefix of the value of a key. */
  key_prefix: z
    .string()
    .regex(/^\w{0,32}$/)
    .default('sk_'),
  key_name_max: z.int().min(1).max(4_096).default(255),
  /** Slugs that the dashboard does not enable for keys; `*`: all. */
  refused_permissions: z.array(z.string().min(1).max(64)).max(200).default([]),
  /** Owner kind that keys of organizations are shown with; null: their own. */
  owner_kind: z.string().min(1).max(64).nullable().default(null),
  /** Adds unknown fields to objects, and unknown types to the list of events. */
  unknown_fields: z.boolean().default(false),
  /** Refuses every correct password with this code of the specification; null: accepts it. */
  sign_in_refusal: z
    .string()
    .refine((code) => SIGN_IN_REFUSALS.has(code), 'is not a refusal of the specification')
    .nullable()
    .default(null),
  /** Whether a creation with a repeated Idempotency-Key gets the first answer; WorkOS promises that for audit events only. */
  replays_creates: z.boolean().default(true),
  /** Whether a membership has the optional `organization_name`. */
  organization_names: z.boolean().default(true),
});
export type Switches = z.output<typeof Switches>;
export type SwitchesInput = z.input<typeof Switches>;
