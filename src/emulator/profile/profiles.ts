import type { SwitchesInput } from './switches.ts';

/**
 * Named sets of switches. `default` is today's best evidence and `strict` its most demanding reading. Each of the others is
 * one divergence, which `npm run doctor` has to find.
 */
export const PROFILES = {
  default: {},
  strict: {
    cookie_name: 'wos-session',
    issuer_form: 'bare',
    issuer_url: 'https://api.workos.com',
    timestamps: 'plain',
    audit_schemas: 'required',
    rate_limit: { requests: 6_000, window_ms: 60_000, retry_after: false },
    unknown_fields: true,
    replays_creates: false,
    organization_names: false,
  },
  'dashed-cookie': { cookie_name: 'wos-session' },
  'own-cookie': { cookie_name: 'console_session' },
  'large-cookie': { user_padding_bytes: 4_096 },
  'split-cookie': { user_padding_bytes: 4_096, cookie_part_bytes: 3_500 },
  'bare-issuer': { issuer_form: 'bare' },
  'slash-issuer': { issuer_form: 'slash' },
  'sso-issuer': { issuer_form: 'sso' },
  'workos-issuer': { issuer_url: 'https://api.workos.com' },
  'custom-domain': { issuer_url: 'https://auth.example.com' },
  'plain-timestamps': { timestamps: 'plain' },
  'unreadable-timestamps': { timestamps: 'words' },
  'late-events': { late_event_every: 3, late_event_ms: 1_000 },
  'audit-schemas': { audit_schemas: 'required' },
  'rate-limit': { rate_limit: { requests: 100, window_ms: 1_000, retry_after: true } },
  'silent-rate-limit': { rate_limit: { requests: 100, window_ms: 1_000, retry_after: false } },
  'older-prefix': { key_prefix: 'wos_api_key_' },
  'other-prefix': { key_prefix: 'wk_' },
  'short-names': { key_name_max: 100 },
  'refused-permissions': { refused_permissions: ['*'] },
  'owner-of-tomorrow': { owner_kind: 'agent_registration' },
  'fields-of-tomorrow': { unknown_fields: true },
  'password-disabled': { sign_in_refusal: 'email_password_auth_disabled' },
  'sso-required': { sign_in_refusal: 'sso_required' },
  'mfa-required': { sign_in_refusal: 'mfa_challenge' },
  'no-replay': { replays_creates: false },
  'no-organization-names': { organization_names: false },
} as const satisfies Record<string, SwitchesInput>;

export type ProfileName = keyof typeof PROFILES;
export const PROFILE_NAMES = Object.keys(PROFILES) as [ProfileName, ...ProfileName[]];
