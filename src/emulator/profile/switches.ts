import { z } from 'zod';
import { SIGN_IN_REFUSALS } from './sign-in-refusals.ts';

const MAX_MS = 600_000;
const CookieName = z.string().regex(/^[\w!#$%&'*+.^`|~-]{1,64}$/);

/**
 * In what the real WorkOS, or an AuthKit application on it, may differ from what this one does by default. Every switch
 * is one divergence; what is left out keeps its default, which is today's best evidence.
 */
export const Switches = z.strictObject({
  /** How the AuthKit application names its session cookie. */
  cookie_name: CookieName.default('wos_session'),
  /** A longer cookie is split into `name.0`, `name.1`, …, as some applications do; null: never. */
  cookie_part_bytes: z.int().min(64).max(65_536).nullable().default(null),
  /** Makes every person's record, and with it a sealed session, so much larger. */
  user_padding_bytes: z.int().min(0).max(16_384).default(0),
  /** What comes behind the address in the issuer of session tokens. */
  issuer_form: z.enum(['user_management', 'bare', 'slash', 'sso']).default('user_management'),
  /** Whose address that is: a custom domain, or WorkOS's own; null: where this server listens. */
  issuer_url: z
    .url({ protocol: /^https?$/ })
    .nullable()
    .default(null),
  /** Further applications, each with sessions under a JWKS of its own. */
  client_ids: z
    .array(z.string().regex(/^client_\w{1,64}$/))
    .max(10)
    .default([]),
  /** `iso`: 2026-01-01T00:00:00.000Z, `plain`: 2026-01-01 00:00:00.000, `words`: what nobody documents. */
  timestamps: z.enum(['iso', 'plain', 'words']).default('iso'),
  /** One event in so many stands where it happened, and is visible only `late_event_ms` later; 0: none. */
  late_event_every: z.int().min(0).max(1_000).default(0),
  late_event_ms: z.int().min(0).max(MAX_MS).default(0),
  /** `required`: an audit event of an action without a schema, or that its schema's version refuses, is a 400. */
  audit_schemas: z.enum(['ignored', 'required']).default('ignored'),
  /** So many requests per window and secret; the others are 429. */
  rate_limit: z
    .strictObject({
      requests: z.int().min(1).max(1_000_000),
      window_ms: z.int().min(1).max(MAX_MS),
      /** Whether the 429 says when to come back, which nothing documents. */
      retry_after: z.boolean(),
    })
    .nullable()
    .default(null),
  /** What the value of a key begins with. */
  key_prefix: z
    .string()
    .regex(/^\w{0,32}$/)
    .default('sk_'),
  key_name_max: z.int().min(1).max(4_096).default(255),
  /** Slugs that are not switched on for keys in the dashboard; `*` is all. */
  refused_permissions: z.array(z.string().min(1).max(64)).max(200).default([]),
  /** Shows keys of organizations as of an owner of this kind; null: as they are. */
  owner_kind: z.string().min(1).max(64).nullable().default(null),
  /** Objects carry fields, and the list of events kinds, that nobody knows yet. */
  unknown_fields: z.boolean().default(false),
  /** Refuses every right password with this code of the specification; null: none. */
  sign_in_refusal: z
    .string()
    .refine((code) => SIGN_IN_REFUSALS.has(code), 'is no refusal of the specification')
    .nullable()
    .default(null),
  /** Whether a create with an Idempotency-Key that came before is answered again; promised for audit events only. */
  replays_creates: z.boolean().default(true),
  /** `organization_name` is not required of a membership. */
  organization_names: z.boolean().default(true),
});
export type Switches = z.output<typeof Switches>;
export type SwitchesInput = z.input<typeof Switches>;
