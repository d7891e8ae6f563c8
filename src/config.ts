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
const milliseconds = (fallback: number) => z.coerce.number().int().min(1).max(600_000).default(fallback);

const Environment = z.object({
  DATABASE_URL: z.url({ protocol: /^postgres(ql)?$/, error: 'needs a postgres:// address' }),
  WORKOS_API_KEY: z.string().startsWith('sk_', 'needs the secret key of a WorkOS environment (sk_…)'),
  WORKOS_CLIENT_ID: z.string().startsWith('client_', 'needs the client id of a WorkOS environment (client_…)'),
  WORKOS_COOKIE_PASSWORD: secret(32),
  LATCHKEY_SECRET: secret(32),
  WORKOS_API_URL: baseUrl.default(WORKOS_URL),
  WORKOS_AUTHKIT_URL: baseUrl.optional(),
  WORKOS_ISSUERS: list.optional(),
  WORKOS_TIMEOUT_MS: milliseconds(5_000),
  LATCHKEY_SERVICE_TOKENS: list.pipe(z.array(serviceToken)).default([]),
  LATCHKEY_CONFIG: z.string().min(1).optional(),
  LATCHKEY_ROLE: z.enum(['api', 'worker', 'all']).default('all'),
  LATCHKEY_SETTLE_INTERVAL_MS: milliseconds(10_000),
  LATCHKEY_EVENTS_INTERVAL_MS: milliseconds(10_000),
  LATCHKEY_IDEMPOTENCY_WINDOW_MS: z.coerce.number().int().min(1_000).max(86_400_000).default(600_000),
  WORKOS_WEBHOOK_SECRET: secret(16).optional(),
  LATCHKEY_CACHE_MAX_KEYS: z.coerce.number().int().min(1).max(10_000_000).default(50_000),
  WORKOS_VALIDATIONS_PER_SECOND: z.coerce.number().int().min(1).max(10_000).default(20),
  WORKOS_BREAKER_FAILURES: z.coerce.number().int().min(1).max(10_000).default(5),
  TRUST_PROXY: z.coerce.number().int().min(0).max(10).default(0),
  HOST: z.string().min(1).default('127.0.0.1'),
  PORT: z.coerce.number().int().min(0).max(65_535).default(3000),
  LOG_LEVEL: z.enum(['fatal', 'error', 'warn', 'info', 'debug', 'silent']).default('info'),
  DATABASE_POOL_MAX: z.coerce.number().int().min(1).max(100).default(10),
  SHUTDOWN_GRACE_MS: milliseconds(10_000),
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
  if (!parsed.success) throw new StartError(describe(parsed.error));
  const value = parsed.data;
  return Object.freeze({
    databaseUrl: value.DATABASE_URL,
    databasePoolMax: value.DATABASE_POOL_MAX,
    secret: value.LATCHKEY_SECRET,
    serviceTokens: value.LATCHKEY_SERVICE_TOKENS,
    productFile: value.LATCHKEY_CONFIG,
    role: value.LATCHKEY_ROLE,
    settleIntervalMs: value.LATCHKEY_SETTLE_INTERVAL_MS,
    eventsIntervalMs: value.LATCHKEY_EVENTS_INTERVAL_MS,
    cacheMaxKeys: value.LATCHKEY_CACHE_MAX_KEYS,
    idempotencyWindowMs: value.LATCHKEY_IDEMPOTENCY_WINDOW_MS,
    host: value.HOST,
    port: value.PORT,
    trustProxyHops: value.TRUST_PROXY,
    logLevel: value.LOG_LEVEL,
    shutdownGraceMs: value.SHUTDOWN_GRACE_MS,
    workos: {
      apiKey: value.WORKOS_API_KEY,
      clientId: value.WORKOS_CLIENT_ID,
      cookiePassword: value.WORKOS_COOKIE_PASSWORD,
      apiUrl: value.WORKOS_API_URL,
      authkitUrl: value.WORKOS_AUTHKIT_URL,
      issuers: value.WORKOS_ISSUERS ?? defaultIssuers(value.WORKOS_API_URL, value.WORKOS_CLIENT_ID),
      timeoutMs: value.WORKOS_TIMEOUT_MS,
      breakerFailures: value.WORKOS_BREAKER_FAILURES,
      validationsPerSecond: value.WORKOS_VALIDATIONS_PER_SECOND,
      webhookSecret: value.WORKOS_WEBHOOK_SECRET,
    },
  });
}

// WorkOS's documentation, samples and SDK name three different issuers of session tokens; all are its own.
function defaultIssuers(apiUrl: string, clientId: string): string[] {
  return [apiUrl, `${apiUrl}/`, `${apiUrl}/user_management/${clientId}`];
}

function describe(error: z.ZodError): string {
  const lines = error.issues.map((issue) => {
    const missing = issue.code === 'invalid_type' && issue.input === undefined;
    return `  ${issue.path.join('.')}: ${missing ? 'is missing' : issue.message}`;
  });
  return `The environment is not complete:\n${lines.join('\n')}`;
}
