import { z } from 'zod';
import { database } from './database-variables.ts';
import { imports } from './import-variables.ts';
import { leakReports } from './leak-variables.ts';
import { sealsPlace } from './seals-place.ts';
import {
  baseUrl,
  COOKIE_NAME,
  environmentClientId,
  environmentKey,
  list,
  milliseconds,
  previousSecrets,
  secret,
  serviceToken,
  signingSecrets,
  wholeNumber,
} from './variable-types.ts';
import { verification } from './verification-variables.ts';

// What a variable means stands beside it, here alone: docs/reference/variables.md is made of it. `fallback` is what an
// unset variable takes its value from, where that is not a default.

const MAX_ISSUERS = 20;
const MAX_CLIENTS = 10;

const service = {
  ...database,
  LATCHKEY_SECRET: secret(32).describe(
    'Secret of 32 bytes or more, from which the HMAC keys of credentials and markers are derived. To change it without a pause, put the new one into `LATCHKEY_PREVIOUS_SECRETS` first.',
  ),
  LATCHKEY_PREVIOUS_SECRETS: list
    .pipe(previousSecrets)
    .default([])
    .describe(
      'Up to 3 further secrets, separated by commas: earlier ones, or the next, whose hashes are recognized, too.',
    ),
  LATCHKEY_CONFIG: z
    .string()
    .min(1)
    .optional()
    .meta({ description: 'Path of the YAML file that defines the product.', fallback: '`config/evershell.yaml`' }),
  LATCHKEY_ROLE: z
    .enum(['api', 'worker', 'all'])
    .default('all')
    .describe('`api` answers requests, `worker` runs the background loops, `all` does both.'),
  LATCHKEY_PROCESSES: wholeNumber(1, 64, 1).describe(
    'Processes that serve on the same port, one for each core that they may use ([How to use all cores](../how-to/use-all-cores.md)). Several need `REDIS_URL`.',
  ),
  LATCHKEY_SERVICE_TOKENS: list
    .pipe(z.array(serviceToken))
    .default([])
    .describe(
      "Tokens of the product's own services, separated by commas: `svc_…`, or `svc_…:billing:write+apikeys:verify` for fewer scopes than all; `NAME=svc_…:staff:keys+staff:addresses` for staff (docs/how-to/let-staff-act.md).",
    ),
};

const http = {
  HOST: z.string().min(1).default('127.0.0.1').describe('Address to listen on; in a container `0.0.0.0`.'),
  PORT: wholeNumber(0, 65_535, 3000).describe('Port to listen on; 0 takes a free one.'),
  TRUST_PROXY: wholeNumber(0, 10, 0).describe(
    "Number of proxies in front whose word about the client's address counts.",
  ),
  LATCHKEY_MAX_CONNECTIONS: wholeNumber(1, 1_000_000, 10_000).describe(
    'Most open HTTP connections of a process; a further one is closed.',
  ),
  LATCHKEY_MAX_CONNECTIONS_PER_ADDRESS: wholeNumber(0, 1_000_000, 1_000).describe(
    'Most open HTTP connections of one IPv4 address or IPv6 /64; 0 for no limit. A proxy is one address: raise it behind one that keeps more.',
  ),
  LATCHKEY_KEEP_ALIVE_SECONDS: wholeNumber(1, 3_600, 65).describe(
    'How long an idle HTTP connection stays open. Keep it above the idle timeout of the proxy in front, which else sends a request to a connection that is being closed.',
  ),
  LATCHKEY_OPERATIONS_PORT: z.coerce
    .number()
    .int()
    .min(0)
    .max(65_535)
    .optional()
    .describe('Separate port for `/metrics`, which is then nowhere else; `/healthz` and `/readyz` answer on both.'),
  LATCHKEY_OPERATIONS_HOST: z
    .string()
    .min(1)
    .optional()
    .meta({ description: 'Address that the operations port listens on.', fallback: '`HOST`' }),
  LATCHKEY_DOCS: z
    .enum(['api', 'operations'])
    .default('api')
    .describe(
      'Port of `/docs` and `/openapi.json`: `operations` moves both to the operations port, from which "Try it out" does not reach the API.',
    ),
  LOG_LEVEL: z
    .enum(['fatal', 'error', 'warn', 'info', 'debug', 'silent'])
    .default('info')
    .describe('Least severe level that is logged.'),
  LATCHKEY_LOG_ACCEPTED_SHARE: z.coerce
    .number()
    .min(0)
    .max(1)
    .default(0)
    .describe(
      'Share of accepted requests on fast paths in the access log: verifications, and reads that memory answers a key. Refused ones are always logged, and all are counted.',
    ),
  SHUTDOWN_DELAY_MS: wholeNumber(0, 120_000, 0).describe(
    'Milliseconds that `/readyz` answers 503 after SIGTERM before anything is closed, so that a load balancer sends elsewhere.',
  ),
  SHUTDOWN_GRACE_MS: milliseconds(10_000).describe('Milliseconds that running requests may take after SIGTERM.'),
};

const workos = {
  WORKOS_API_KEY: environmentKey.describe('Secret key of the WorkOS environment, `sk_…`.'),
  WORKOS_CLIENT_ID: environmentClientId.describe('Client id of the WorkOS environment, `client_…`.'),
  WORKOS_API_URL: baseUrl.default('https://api.workos.com').describe("Address of WorkOS's API."),
  WORKOS_AUTHKIT_URL: baseUrl
    .optional()
    .describe('AuthKit domain that issues machine tokens; without it machine tokens are refused.'),
  WORKOS_ISSUERS: list
    .pipe(z.array(z.string().max(2_048)).max(MAX_ISSUERS, `takes up to ${MAX_ISSUERS}`))
    .default([])
    .describe(
      'Further issuers of sessions to accept, separated by commas, such as a custom authentication domain that is not `WORKOS_AUTHKIT_URL`.',
    ),
  WORKOS_CLIENT_IDS: list
    .pipe(z.array(environmentClientId).max(MAX_CLIENTS, `takes up to ${MAX_CLIENTS} client ids`))
    .default([])
    .describe(
      'Further client ids, separated by commas, whose sessions and WorkOS Connect tokens are accepted; each has a JWKS of its own.',
    ),
  WORKOS_COOKIE_PASSWORD: secret(32).describe(
    'Password of 32 bytes or more with which your application seals its session cookie.',
  ),
  WORKOS_COOKIE_NAME: z
    .string()
    .regex(COOKIE_NAME, "needs the name of a cookie: up to 64 letters, digits and !#$%&'*+-.^_`|~")
    .optional()
    .describe('Name of that cookie, where it is neither `wos_session` nor `wos-session`.'),
  WORKOS_WEBHOOK_SECRET: secret(16)
    .optional()
    .describe("Signing secret of WorkOS's webhook endpoint; without it the route does not exist."),
  WORKOS_TIMEOUT_MS: milliseconds(5_000).describe('Timeout of one call to WorkOS, in milliseconds.'),
  WORKOS_BREAKER_FAILURES: wholeNumber(1, 10_000, 5).describe(
    'Failed calls in a row after which the circuit breaker stops calls to WorkOS for a while.',
  ),
  WORKOS_HOLD_OFF_MS: wholeNumber(1, 60_000, 10_000).describe(
    'Milliseconds without calls after a 429 of WorkOS that has no `Retry-After` (docs/explanation/workos.md).',
  ),
  LATCHKEY_EVENTS_INTERVAL_MS: milliseconds(10_000).describe("Milliseconds between two readings of WorkOS's events."),
  LATCHKEY_SETTLE_INTERVAL_MS: milliseconds(10_000).describe(
    'Milliseconds between two searches for unfinished provisioning.',
  ),
};

const testEnvironment = {
  WORKOS_API_KEY_TEST: environmentKey
    .optional()
    .describe('Secret key of the WorkOS environment of test keys (docs/how-to/offer-test-keys.md).'),
  WORKOS_CLIENT_ID_TEST: environmentClientId.optional().describe('Client id of that environment.'),
  WORKOS_API_URL_TEST: baseUrl
    .optional()
    .meta({ description: "Address of that environment's API.", fallback: '`WORKOS_API_URL`' }),
  WORKOS_WEBHOOK_SECRET_TEST: secret(16)
    .optional()
    .describe(
      "Signing secret of that environment's webhook endpoint, other than the live one; without it the route does not exist.",
    ),
};

const workosBudgets = {
  WORKOS_VALIDATIONS_PER_SECOND: wholeNumber(1, 10_000, 20).describe(
    'Most questions to WorkOS a second about keys that the mirror does not know, of all processes together. WorkOS allows 100 requests a second in all.',
  ),
  WORKOS_UNEXPECTED_KEYS_PER_MINUTE: wholeNumber(1, 1_000_000, 60).describe(
    'Most questions to WorkOS a minute, for one address or tenant, about keys that the mirror does not expect.',
  ),
  WORKOS_SETTLEMENTS_PER_SECOND: wholeNumber(1, 10_000, 20).describe(
    'Most calls to WorkOS a second from background loops of all processes: to delete or expire a key, to read a member, to record an audit event.',
  ),
  WORKOS_REFRESHES_PER_SECOND: wholeNumber(1, 10_000, 20).describe(
    'Most session renewals at WorkOS a second of all processes, shared fairly by known sessions, proven people and networks.',
  ),
  WORKOS_NAMES_PER_SECOND: wholeNumber(0, 10_000, 5).describe(
    'Most questions to WorkOS a second of all processes for names of people that lists show beside ids; 0 for none.',
  ),
  WORKOS_KEY_CHANGES_PER_SECOND: wholeNumber(1, 10_000, 30).describe(
    'Most key changes at WorkOS a second of all processes, shared fairly by organizations.',
  ),
  LATCHKEY_KEY_CHANGES_PER_MINUTE: wholeNumber(1, 1_000_000, 300).describe(
    'Most key changes a minute of one organization. Revocation is never refused: beyond the limit WorkOS learns of it later.',
  ),
  LATCHKEY_STAFF_REQUESTS_PER_MINUTE: wholeNumber(1, 1_000_000, 120).describe(
    'Most requests a minute with which staff act for organizations, by the name of their service token.',
  ),
  LATCHKEY_WORKOS_LAST_USE_PER_MINUTE: wholeNumber(0, 6_000, 0).describe(
    'Most updates a minute with which a process lets WorkOS know that keys are used, each key once an hour; 0 for none.',
  ),
};

const webhooks = {
  LATCHKEY_HOOK_RETENTION_DAYS: wholeNumber(7, 365, 30).describe(
    'Days that incoming billing webhooks are kept, to be looked at and replayed.',
  ),
};

const records = {
  LATCHKEY_AUDIT_SEALS: sealsPlace
    .optional()
    .describe(
      'Absolute path of a file outside the database to which the worker appends signed heads of the audit log (docs/explanation/audit-log.md).',
    ),
  LATCHKEY_AUDIT_SEAL_INTERVAL_MS: milliseconds(60_000).describe('Milliseconds between two sealings of changed heads.'),
  WORKOS_AUDIT_SCHEMA_VERSION: wholeNumber(1, 10_000, 1).describe(
    'Version of the schemas with which audit events are sent to WorkOS Audit Logs.',
  ),
  LATCHKEY_USAGE_FLUSH_MS: milliseconds(1_000).describe(
    'Milliseconds between two writes of the uses that memory counted; a crash loses at most those since the last write.',
  ),
  LATCHKEY_USAGE_RETENTION_MONTHS: wholeNumber(1, 120, 13).describe('Months that usage is kept.'),
};

/** Every variable with its type, default and meaning, in the order of the reference page. */
export const VARIABLE_GROUPS = {
  'Service and database': service,
  'HTTP, logs and shutdown': http,
  WorkOS: workos,
  'Test environment of WorkOS': testEnvironment,
  'Budgets of calls to WorkOS': workosBudgets,
  'Verification and limits': verification,
  'Imports of keys': imports,
  'Incoming billing webhooks': webhooks,
  'Reports of published keys': leakReports,
  'Audit log and usage': records,
} as const;

export const Variables = z.object({
  ...service,
  ...http,
  ...workos,
  ...testEnvironment,
  ...workosBudgets,
  ...verification,
  ...imports,
  ...webhooks,
  ...leakReports,
  ...records,
});

/** The signing secrets of outgoing webhook endpoints, which the product's file names. */
export const ENDPOINT_SECRETS = {
  name: 'LATCHKEY_NOTICES_SECRET…',
  form: /^LATCHKEY_NOTICES_SECRET[A-Z0-9_]*$/,
  variables: z
    .record(z.string(), signingSecrets)
    .describe(
      'Signing secrets of an outgoing webhook endpoint, up to 5, separated by commas: `whsec_` and 24 to 64 random bytes in base64. `secret_env` in the product file gives the rest of the name.',
    ),
} as const;
