import { z } from 'zod';
import { StartError } from '../errors.ts';
import { ENDPOINT_SECRETS, Variables } from './variables.ts';

/** The names of the variables that every configuration has; billing providers and webhook endpoints add theirs. */
export const COMMON_VARIABLES: readonly string[] = Object.keys(Variables.shape);

const Environment = Variables.refine(
  ({ LATCHKEY_SECRET: current, LATCHKEY_PREVIOUS_SECRETS: previous }) =>
    new Set([current, ...previous]).size === previous.length + 1,
  { path: ['LATCHKEY_PREVIOUS_SECRETS'], error: 'names a secret twice, or the current one' },
)
  .refine(
    ({ WORKOS_API_KEY_TEST: key, WORKOS_CLIENT_ID_TEST: client }) => (key === undefined) === (client === undefined),
    {
      path: ['WORKOS_API_KEY_TEST'],
      error: 'needs WORKOS_CLIENT_ID_TEST; set both or neither',
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
  .refine(({ LATCHKEY_OPERATIONS_PORT: port, LATCHKEY_DOCS: docs }) => port !== undefined || docs === 'api', {
    path: ['LATCHKEY_DOCS'],
    error: 'needs LATCHKEY_OPERATIONS_PORT',
  })
  .refine(({ LATCHKEY_OPERATIONS_PORT: port, LATCHKEY_OPERATIONS_HOST: host }) => port !== undefined || !host, {
    path: ['LATCHKEY_OPERATIONS_HOST'],
    error: 'needs LATCHKEY_OPERATIONS_PORT',
  })
  .refine(
    ({ LATCHKEY_LEAK_ORIGINS: on, LATCHKEY_LEAK_KEYS_GITLAB: url }) => !on.includes('gitlab') || url !== undefined,
    {
      path: ['LATCHKEY_LEAK_KEYS_GITLAB'],
      error: 'is needed where LATCHKEY_LEAK_ORIGINS names gitlab',
    },
  )
  .refine(({ LATCHKEY_PROCESSES: processes, REDIS_URL: redis }) => processes === 1 || redis !== undefined, {
    path: ['LATCHKEY_PROCESSES'],
    error: 'needs REDIS_URL, in which processes count limits together',
  })
  .refine(({ LATCHKEY_PROCESSES: processes, PORT: port }) => processes === 1 || port !== 0, {
    path: ['PORT'],
    error: 'must be a port that all of LATCHKEY_PROCESSES can share, not 0',
  })
  // Only the secret shows the environment of an event.
  .refine(({ WORKOS_WEBHOOK_SECRET: live, WORKOS_WEBHOOK_SECRET_TEST: own }) => own === undefined || own !== live, {
    path: ['WORKOS_WEBHOOK_SECRET_TEST'],
    error: 'is the secret of the live environment',
  });

export type Config = ReturnType<typeof readEnvironment>;

/** A variable with signing secrets, which a provider of incoming webhooks adds. */
export type SecretsVariable = { name: string; secrets: z.ZodType<string[]> };

/**
 * Reads the environment, once; `readConfig` of src/app hands it the variables of every billing provider.
 * @throws StartError with one message that names every wrong or missing variable; it never repeats a value.
 */
export function readEnvironment(
  env: Readonly<Record<string, string | undefined>>,
  providerVariables: readonly SecretsVariable[],
) {
  // An empty variable is what an unset one looks like in many deployments.
  const given = Object.fromEntries(Object.entries(env).filter(([, value]) => value !== undefined && value !== ''));
  const { value, endpointSecrets, incomingSecrets } = parse(given, providerVariables);
  return Object.freeze({
    ...databaseOf(value),
    secret: value.LATCHKEY_SECRET,
    previousSecrets: value.LATCHKEY_PREVIOUS_SECRETS,
    failedCredentialsPerMinute: value.LATCHKEY_FAILED_CREDENTIALS_PER_MINUTE,
    budgets: budgetsOf(value),
    serviceTokens: value.LATCHKEY_SERVICE_TOKENS,
    endpointSecrets,
    importDatabaseUrl: value.LATCHKEY_IMPORT_DATABASE_URL,
    importSecrets: new Map(value.LATCHKEY_IMPORT_SECRETS),
    productFile: value.LATCHKEY_CONFIG,
    role: value.LATCHKEY_ROLE,
    processes: value.LATCHKEY_PROCESSES,
    settleIntervalMs: value.LATCHKEY_SETTLE_INTERVAL_MS,
    eventsIntervalMs: value.LATCHKEY_EVENTS_INTERVAL_MS,
    staleGraceMs: value.LATCHKEY_STALE_GRACE_MS,
    cacheMaxKeys: value.LATCHKEY_CACHE_MAX_KEYS,
    idempotencyWindowMs: value.LATCHKEY_IDEMPOTENCY_WINDOW_MS,
    audit: { sealsPath: value.LATCHKEY_AUDIT_SEALS, sealIntervalMs: value.LATCHKEY_AUDIT_SEAL_INTERVAL_MS },
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
    incomingWebhooks: { secrets: incomingSecrets, retentionDays: value.LATCHKEY_HOOK_RETENTION_DAYS },
    leakKeyLists: leakKeyListsOf(value),
    host: value.HOST,
    port: value.PORT,
    ...edgeOf(value),
    trustProxyHops: value.TRUST_PROXY,
    logLevel: value.LOG_LEVEL,
    logAcceptedShare: value.LATCHKEY_LOG_ACCEPTED_SHARE,
    shutdownDelayMs: value.SHUTDOWN_DELAY_MS,
    shutdownGraceMs: value.SHUTDOWN_GRACE_MS,
    workos: workosOf(value),
  });
}

type Given = Readonly<Record<string, unknown>>;

/** @throws StartError */
function parse(given: Given, providerVariables: readonly SecretsVariable[]) {
  const parsed = Environment.safeParse(given);
  const endpoints = ENDPOINT_SECRETS.variables.safeParse(
    Object.fromEntries(Object.entries(given).filter(([name]) => ENDPOINT_SECRETS.form.test(name))),
  );
  const incoming = z
    .object(Object.fromEntries(providerVariables.map(({ name, secrets }) => [name, secrets])))
    .safeParse(given);
  if (!parsed.success || !endpoints.success || !incoming.success)
    throw new StartError(describe([parsed, incoming, endpoints], given));
  return { value: parsed.data, endpointSecrets: endpoints.data, incomingSecrets: incoming.data };
}

/** The addresses of public keys of those senders of leak reports that are on. */
function leakKeyListsOf(value: z.output<typeof Environment>) {
  const all = {
    github: value.LATCHKEY_LEAK_KEYS_GITHUB,
    gitlab: value.LATCHKEY_LEAK_KEYS_GITLAB,
    depsdev: value.LATCHKEY_LEAK_KEYS_DEPSDEV,
  };
  const on = [...new Set(value.LATCHKEY_LEAK_ORIGINS)];
  return on.map((origin) => ({ origin, address: all[origin]! }));
}

function databaseOf(value: z.output<typeof Environment>) {
  return {
    databaseUrl: value.DATABASE_URL,
    databaseListenUrl: value.DATABASE_LISTEN_URL,
    databaseReadUrl: value.DATABASE_READ_URL,
    databasePoolMax: value.DATABASE_POOL_MAX,
  };
}

/** Bounds of connections, and the separate address of health and metrics, if any. */
function edgeOf(value: z.output<typeof Environment>) {
  const port = value.LATCHKEY_OPERATIONS_PORT;
  return {
    connections: {
      max: value.LATCHKEY_MAX_CONNECTIONS,
      maxPerAddress: value.LATCHKEY_MAX_CONNECTIONS_PER_ADDRESS,
      keepAliveMs: value.LATCHKEY_KEEP_ALIVE_SECONDS * 1_000,
    },
    operations: port === undefined ? undefined : { host: value.LATCHKEY_OPERATIONS_HOST ?? value.HOST, port },
    docsOn: value.LATCHKEY_DOCS,
  };
}

function workosOf(value: z.output<typeof Environment>) {
  return {
    apiKey: value.WORKOS_API_KEY,
    clientId: value.WORKOS_CLIENT_ID,
    cookiePassword: value.WORKOS_COOKIE_PASSWORD,
    cookieName: value.WORKOS_COOKIE_NAME,
    apiUrl: value.WORKOS_API_URL,
    authkitUrl: value.WORKOS_AUTHKIT_URL,
    clientIds: [...new Set([value.WORKOS_CLIENT_ID, ...value.WORKOS_CLIENT_IDS])],
    issuers: value.WORKOS_ISSUERS,
    timeoutMs: value.WORKOS_TIMEOUT_MS,
    auditSchemaVersion: value.WORKOS_AUDIT_SCHEMA_VERSION,
    breakerFailures: value.WORKOS_BREAKER_FAILURES,
    holdOffMs: value.WORKOS_HOLD_OFF_MS,
    validationsPerSecond: value.WORKOS_VALIDATIONS_PER_SECOND,
    settlementsPerSecond: value.WORKOS_SETTLEMENTS_PER_SECOND,
    unexpectedPerMinute: value.WORKOS_UNEXPECTED_KEYS_PER_MINUTE,
    webhookSecret: value.WORKOS_WEBHOOK_SECRET,
    test: testWorkosOf(value),
  };
}

/** Budgets that tenants and unknown clients share. */
function budgetsOf(value: z.output<typeof Environment>) {
  return {
    signIns: {
      perMinute: value.LATCHKEY_SIGN_INS_PER_MINUTE,
      perAccountMinute: value.LATCHKEY_SIGN_INS_PER_ACCOUNT_MINUTE,
    },
    namesPerSecond: value.WORKOS_NAMES_PER_SECOND,
    refreshesPerSecond: value.WORKOS_REFRESHES_PER_SECOND,
    keyChangesPerSecond: value.WORKOS_KEY_CHANGES_PER_SECOND,
    keyChangesPerMinute: value.LATCHKEY_KEY_CHANGES_PER_MINUTE,
    staffRequestsPerMinute: value.LATCHKEY_STAFF_REQUESTS_PER_MINUTE,
    spareLookUpsPerSecond: value.LATCHKEY_SPARE_LOOK_UPS_PER_SECOND,
    hashChecks: value.LATCHKEY_HASH_CHECKS,
    streams: value.LATCHKEY_STREAMS,
    streamsPerOrganization: value.LATCHKEY_STREAMS_PER_ORGANIZATION,
    exports: value.LATCHKEY_EXPORTS,
    exportsPerOrganization: value.LATCHKEY_EXPORTS_PER_ORGANIZATION,
  };
}

/** The WorkOS environment of test keys, if configured. */
function testWorkosOf(value: z.output<typeof Environment>) {
  const { WORKOS_API_KEY_TEST: apiKey, WORKOS_CLIENT_ID_TEST: clientId } = value;
  if (apiKey === undefined || clientId === undefined) return undefined;
  const apiUrl = value.WORKOS_API_URL_TEST ?? value.WORKOS_API_URL;
  return { apiKey, clientId, apiUrl, webhookSecret: value.WORKOS_WEBHOOK_SECRET_TEST };
}

function describe(
  parsed: readonly { error?: z.ZodError | undefined }[],
  given: Readonly<Record<string, unknown>>,
): string {
  const issues = parsed.flatMap(({ error }) => error?.issues ?? []);
  const lines = issues.map((issue) => {
    const name = String(issue.path[0]);
    const message = name in given ? (boundsOf(name) ?? issue.message) : 'is missing';
    return `  ${issue.path.join('.')}: ${message}`;
  });
  return `The environment is not complete:\n${lines.join('\n')}`;
}

/** Describes a number's bounds without its value, which may be a secret in the wrong variable. */
function boundsOf(name: string): string | undefined {
  const variable: z.ZodType | undefined = Object.entries(Variables.shape).find(([key]) => key === name)?.[1];
  const type = variable instanceof z.ZodDefault ? variable.unwrap() : variable;
  if (!(type instanceof z.ZodNumber)) return undefined;
  return `needs a ${type.isInt ? 'whole ' : ''}number from ${type.minValue} to ${type.maxValue}`;
}
