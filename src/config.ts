import { z } from 'zod';
import { StartError } from './errors.ts';

/** `svc_…`, or `svc_…:scope+scope`: the token, then the scopes it is narrowed to. */
const SERVICE_TOKEN = /^(svc_[A-Za-z0-9_-]{8,200})(?::(.+))?$/;
const SERVICE_SCOPES: readonly string[] = ['billing:write', 'billing:read', 'apikeys:verify'];

const WORKOS_URL = 'https://api.workos.com';

const secret = (bytes: number) =>
  z.string().refine((value) => Buffer.byteLength(value) >= bytes, `needs ${bytes} bytes or more, all of them random`);
const baseUrl = z.url({ protocol: /^https?$/ }).transform((url) => url.replace(/\/+$/, ''));
const list = z.string().transform((value) =>
  value
    .split(',')
    .map((item) => item.trim())
    .filter((item) => item !== ''),
);
const serviceToken = z
  .string()
  .regex(SERVICE_TOKEN, 'needs svc_ and 8 to 200 letters, digits, _ or -, then :scope+scope for less than everything')
  .transform((entry) => {
    const [, token = '', scopes] = SERVICE_TOKEN.exec(entry) ?? [];
    return { token, scopes: scopes?.split('+') ?? [...SERVICE_SCOPES] };
  })
  .refine(
    ({ scopes }) => scopes.every((scope) => SERVICE_SCOPES.includes(scope)),
    `names a scope that is none of ${SERVICE_SCOPES.join(', ')}`,
  );
/** As the client reads it: a database is a number, and a password may be percent-encoded. */
const redisUrl = z
  .url({ protocol: /^rediss?$/, hostname: /./, abort: true, error: 'needs a redis:// or rediss:// address' })
  .refine((url) => /^\/?\d{0,3}$/.test(new URL(url).pathname), 'names a database that is no number')
  .refine((url) => isDecodable(new URL(url)), 'has a user or password that is not percent-encoded');
const previousSecrets = z
  .array(z.string())
  .refine(
    (secrets) => secrets.length <= 3 && secrets.every((one) => Buffer.byteLength(one) >= 32),
    'needs up to 3 secrets of 32 bytes or more, separated by commas; a secret with a comma in it cannot be one of them',
  );
const MAX_HOOK_SECRETS = 5;
const hookSecrets = (form: RegExp, message: string) =>
  list
    .pipe(z.array(z.string().regex(form, message)).max(MAX_HOOK_SECRETS, `takes up to ${MAX_HOOK_SECRETS} secrets`))
    .default([]);
const signingSecrets = hookSecrets(
  /^whsec_(?:[A-Za-z0-9+/]{4}){8,21}(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/,
  'needs whsec_ and 24 to 64 random bytes in base64',
);
/** What the endpoints of the product's file name as theirs. */
const NOTICES_SECRET = /^LATCHKEY_NOTICES_SECRET[A-Z0-9_]*$/;
const NoticeSecrets = z.record(z.string(), signingSecrets);
const environmentKey = z.string().startsWith('sk_', 'needs the secret key of a WorkOS environment (sk_…)');
const environmentClientId = z.string().startsWith('client_', 'needs the client id of a WorkOS environment (client_…)');
const milliseconds = (fallback: number) => z.coerce.number().int().min(1).max(600_000).default(fallback);

const Variables = z.object({
  DATABASE_URL: z.url({ protocol: /^postgres(ql)?$/, error: 'needs a postgres:// address' }),
  WORKOS_API_KEY: environmentKey,
  WORKOS_CLIENT_ID: environmentClientId,
  WORKOS_COOKIE_PASSWORD: secret(32),
  LATCHKEY_SECRET: secret(32),
  LATCHKEY_PREVIOUS_SECRETS: list.pipe(previousSecrets).default([]),
  WORKOS_API_URL: baseUrl.default(WORKOS_URL),
  WORKOS_API_KEY_TEST: environmentKey.optional(),
  WORKOS_CLIENT_ID_TEST: environmentClientId.optional(),
  WORKOS_API_URL_TEST: baseUrl.optional(),
  WORKOS_AUTHKIT_URL: baseUrl.optional(),
  WORKOS_ISSUERS: list.optional(),
  WORKOS_TIMEOUT_MS: milliseconds(5_000),
  LATCHKEY_SERVICE_TOKENS: list.pipe(z.array(serviceToken)).default([]),
  LATCHKEY_CONFIG: z.string().min(1).optional(),
  LATCHKEY_ROLE: z.enum(['api', 'worker', 'all']).default('all'),
  LATCHKEY_SETTLE_INTERVAL_MS: milliseconds(10_000),
  LATCHKEY_EVENTS_INTERVAL_MS: milliseconds(10_000),
  LATCHKEY_IDEMPOTENCY_WINDOW_MS: z.coerce.number().int().min(1_000).max(86_400_000).default(600_000),
  LATCHKEY_USAGE_FLUSH_MS: milliseconds(1_000),
  LATCHKEY_USAGE_RETENTION_MONTHS: z.coerce.number().int().min(1).max(120).default(13),
  LATCHKEY_WORKOS_LAST_USE_PER_MINUTE: z.coerce.number().int().min(0).max(6_000).default(0),
  WORKOS_WEBHOOK_SECRET: secret(16).optional(),
  WORKOS_WEBHOOK_SECRET_TEST: secret(16).optional(),
  STRIPE_WEBHOOK_SECRET: hookSecrets(/^whsec_\w{16,200}$/, 'needs signing secrets of Stripe (whsec_…)'),
  BILLING_WEBHOOK_SECRETS: signingSecrets,
  LATCHKEY_HOOK_RETENTION_DAYS: z.coerce.number().int().min(7).max(365).default(30),
  REDIS_URL: redisUrl.optional(),
  LATCHKEY_LIMITS_FALLBACK: z.enum(['local', 'allow', 'refuse']).default('local'),
  LATCHKEY_LEASE_SECONDS: z.coerce.number().int().min(1).max(3_600).default(60),
  LATCHKEY_CACHE_MAX_KEYS: z.coerce.number().int().min(1).max(10_000_000).default(24_000),
  WORKOS_VALIDATIONS_PER_SECOND: z.coerce.number().int().min(1).max(10_000).default(20),
  WORKOS_SETTLEMENTS_PER_SECOND: z.coerce.number().int().min(1).max(10_000).default(20),
  WORKOS_UNEXPECTED_KEYS_PER_MINUTE: z.coerce.number().int().min(1).max(1_000_000).default(10),
  LATCHKEY_FAILED_CREDENTIALS_PER_MINUTE: z.coerce.number().int().min(0).max(1_000_000).default(300),
  LATCHKEY_SIGN_INS_PER_MINUTE: z.coerce.number().int().min(1).max(1_000_000).default(30),
  WORKOS_BREAKER_FAILURES: z.coerce.number().int().min(1).max(10_000).default(5),
  TRUST_PROXY: z.coerce.number().int().min(0).max(10).default(0),
  HOST: z.string().min(1).default('127.0.0.1'),
  PORT: z.coerce.number().int().min(0).max(65_535).default(3000),
  LOG_LEVEL: z.enum(['fatal', 'error', 'warn', 'info', 'debug', 'silent']).default('info'),
  LATCHKEY_LOG_ACCEPTED_SHARE: z.coerce.number().min(0).max(1).default(0),
  DATABASE_POOL_MAX: z.coerce.number().int().min(1).max(100).default(10),
  SHUTDOWN_GRACE_MS: milliseconds(10_000),
});

const Environment = Variables.refine(
  ({ LATCHKEY_SECRET: current, LATCHKEY_PREVIOUS_SECRETS: previous }) =>
    new Set([current, ...previous]).size === previous.length + 1,
  { path: ['LATCHKEY_PREVIOUS_SECRETS'], error: 'names a secret twice, or the current one' },
)
  .refine(
    ({ WORKOS_API_KEY_TEST: key, WORKOS_CLIENT_ID_TEST: client }) => (key === undefined) === (client === undefined),
    {
      path: ['WORKOS_API_KEY_TEST'],
      error: 'needs WORKOS_CLIENT_ID_TEST, and the other way round',
    },
  )
  .refine(({ WORKOS_API_KEY_TEST: key, WORKOS_API_URL_TEST: url }) => url === undefined || key !== undefined, {
    path: ['WORKOS_API_URL_TEST'],
    error: 'needs WORKOS_API_KEY_TEST',
  })
  .refine(
    ({ WORKOS_API_KEY: key, WORKOS_API_URL: url, WORKOS_API_KEY_TEST: testKey, WORKOS_API_URL_TEST: testUrl = url }) =>
      key !== testKey || url !== testUrl,
    { path: ['WORKOS_API_KEY_TEST'], error: 'is the key of the live environment' },
  )
  .refine(({ WORKOS_API_KEY_TEST: key, WORKOS_WEBHOOK_SECRET_TEST: own }) => own === undefined || key !== undefined, {
    path: ['WORKOS_WEBHOOK_SECRET_TEST'],
    error: 'needs WORKOS_API_KEY_TEST',
  })
  // By its secret alone one can tell of which environment an event is.
  .refine(({ WORKOS_WEBHOOK_SECRET: live, WORKOS_WEBHOOK_SECRET_TEST: own }) => own === undefined || own !== live, {
    path: ['WORKOS_WEBHOOK_SECRET_TEST'],
    error: 'is the secret of the live environment',
  });

export type Config = ReturnType<typeof readConfig>;

/**
 * Reads the environment, once.
 * @throws StartError with one message that names every wrong or missing variable; it never repeats a value.
 */
export function readConfig(env: Readonly<Record<string, string | undefined>>) {
  // An empty variable is what an unset one looks like in many deployments.
  const given = Object.fromEntries(Object.entries(env).filter(([, value]) => value !== undefined && value !== ''));
  const parsed = Environment.safeParse(given);
  const noticeSecrets = NoticeSecrets.safeParse(
    Object.fromEntries(Object.entries(given).filter(([name]) => NOTICES_SECRET.test(name))),
  );
  if (!parsed.success || !noticeSecrets.success) throw new StartError(describe([parsed, noticeSecrets], given));
  const value = parsed.data;
  return Object.freeze({
    databaseUrl: value.DATABASE_URL,
    databasePoolMax: value.DATABASE_POOL_MAX,
    secret: value.LATCHKEY_SECRET,
    previousSecrets: value.LATCHKEY_PREVIOUS_SECRETS,
    failedCredentialsPerMinute: value.LATCHKEY_FAILED_CREDENTIALS_PER_MINUTE,
    signInsPerMinute: value.LATCHKEY_SIGN_INS_PER_MINUTE,
    serviceTokens: value.LATCHKEY_SERVICE_TOKENS,
    noticeSecrets: noticeSecrets.data,
    productFile: value.LATCHKEY_CONFIG,
    role: value.LATCHKEY_ROLE,
    settleIntervalMs: value.LATCHKEY_SETTLE_INTERVAL_MS,
    eventsIntervalMs: value.LATCHKEY_EVENTS_INTERVAL_MS,
    cacheMaxKeys: value.LATCHKEY_CACHE_MAX_KEYS,
    idempotencyWindowMs: value.LATCHKEY_IDEMPOTENCY_WINDOW_MS,
    usage: {
      flushMs: value.LATCHKEY_USAGE_FLUSH_MS,
      retentionMonths: value.LATCHKEY_USAGE_RETENTION_MONTHS,
      workosLastUsePerMinute: value.LATCHKEY_WORKOS_LAST_USE_PER_MINUTE,
    },
    limits: {
      redisUrl: value.REDIS_URL,
      fallback: value.LATCHKEY_LIMITS_FALLBACK,
      leaseSeconds: value.LATCHKEY_LEASE_SECONDS,
    },
    hooks: {
      stripeSecrets: value.STRIPE_WEBHOOK_SECRET,
      billingSecrets: value.BILLING_WEBHOOK_SECRETS,
      retentionDays: value.LATCHKEY_HOOK_RETENTION_DAYS,
    },
    host: value.HOST,
    port: value.PORT,
    trustProxyHops: value.TRUST_PROXY,
    logLevel: value.LOG_LEVEL,
    logAcceptedShare: value.LATCHKEY_LOG_ACCEPTED_SHARE,
    shutdownGraceMs: value.SHUTDOWN_GRACE_MS,
    workos: workosOf(value),
  });
}

function workosOf(value: z.output<typeof Environment>) {
  return {
    apiKey: value.WORKOS_API_KEY,
    clientId: value.WORKOS_CLIENT_ID,
    cookiePassword: value.WORKOS_COOKIE_PASSWORD,
    apiUrl: value.WORKOS_API_URL,
    authkitUrl: value.WORKOS_AUTHKIT_URL,
    issuers: value.WORKOS_ISSUERS ?? defaultIssuers(value.WORKOS_API_URL, value.WORKOS_CLIENT_ID),
    timeoutMs: value.WORKOS_TIMEOUT_MS,
    breakerFailures: value.WORKOS_BREAKER_FAILURES,
    validationsPerSecond: value.WORKOS_VALIDATIONS_PER_SECOND,
    settlementsPerSecond: value.WORKOS_SETTLEMENTS_PER_SECOND,
    unexpectedPerMinute: value.WORKOS_UNEXPECTED_KEYS_PER_MINUTE,
    webhookSecret: value.WORKOS_WEBHOOK_SECRET,
    test: testWorkosOf(value),
  };
}

/** The environment of test keys, if there is one. */
function testWorkosOf(value: z.output<typeof Environment>) {
  const { WORKOS_API_KEY_TEST: apiKey, WORKOS_CLIENT_ID_TEST: clientId } = value;
  if (apiKey === undefined || clientId === undefined) return undefined;
  const apiUrl = value.WORKOS_API_URL_TEST ?? value.WORKOS_API_URL;
  return { apiKey, clientId, apiUrl, webhookSecret: value.WORKOS_WEBHOOK_SECRET_TEST };
}

// WorkOS's documentation, samples and SDK name three different issuers of session tokens; all are its own.
function defaultIssuers(apiUrl: string, clientId: string): string[] {
  return [apiUrl, `${apiUrl}/`, `${apiUrl}/user_management/${clientId}`];
}

function isDecodable({ username, password }: URL): boolean {
  try {
    decodeURIComponent(username + password);
    return true;
  } catch {
    return false;
  }
}

function describe(
  parsed: readonly { error?: z.ZodError | undefined }[],
  given: Readonly<Record<string, unknown>>,
): string {
  const issues = parsed.flatMap(({ error }) => error?.issues ?? []);
  const lines = issues.map((issue) => {
    const missing = !(String(issue.path[0]) in given);
    return `  ${issue.path.join('.')}: ${missing ? 'is missing' : issue.message}`;
  });
  return `The environment is not complete:\n${lines.join('\n')}`;
}
