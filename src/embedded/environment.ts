import { z } from 'zod';
import { StartError } from '../errors.ts';
import { storedSecret } from './data-folder.ts';

const LOOPBACK = ['127.0.0.1', 'localhost', '::1'];
const SERVICE_TOKEN = 'svc_latchkey_demo';

type Given = Readonly<Record<string, string | undefined>>;
type Environment = { apiKey: string; clientId: string };
type Places = {
  given: Given;
  /** The names of the variables that the service reads. */
  variables: readonly string[];
  /** The credentials of the local WorkOS, and of its test environment. */
  demo: Environment & { test: Environment };
  folder: string;
  workosPort: number;
  testPort: number | undefined;
};

const port = z.coerce.number().int().min(1).max(65_535);

/** The variables that `npm start` alone reads, beside those of the service. */
export const START_VARIABLES = {
  LATCHKEY_DATA_DIR: z
    .string()
    .default('.data')
    .describe(
      'Folder of the embedded database, the local WorkOS and the generated secrets; each product but the default one has a folder of its own in it.',
    ),
  WORKOS_PORT: port.default(4_100).describe('Port of the local WorkOS.'),
  WORKOS_TEST_PORT: port.optional().meta({
    description: 'Port of the local WorkOS of test keys, for products that have such keys.',
    fallback: 'the port after `WORKOS_PORT`',
  }),
};

/**
 * Reads the variables that `npm start` alone has.
 * @throws StartError that names an invalid port
 */
export function readStartVariables(given: Given) {
  const set = Object.fromEntries(Object.entries(given).filter(([, value]) => isSet(value)));
  const parsed = z.object(START_VARIABLES).safeParse(set);
  if (!parsed.success) throw new StartError(`${String(parsed.error.issues[0]?.path[0])} needs a port, 1 to 65535.`);
  const {
    WORKOS_PORT: workosPort,
    WORKOS_TEST_PORT: testPort = workosPort + 1,
    LATCHKEY_DATA_DIR: dataDir,
  } = parsed.data;
  return { workosPort, testPort, dataDir };
}

/** Variables that are ignored here: this start has its own database, WorkOS and address. */
export const IGNORED_VARIABLES: readonly string[] = [
  'DATABASE_URL',
  'DATABASE_LISTEN_URL',
  'DATABASE_READ_URL',
  'DATABASE_POOL_MAX',
  'WORKOS_API_KEY',
  'WORKOS_CLIENT_ID',
  'WORKOS_API_URL',
  'WORKOS_AUTHKIT_URL',
  'WORKOS_API_KEY_TEST',
  'WORKOS_CLIENT_ID_TEST',
  'WORKOS_API_URL_TEST',
  'LATCHKEY_SECRET',
  'LATCHKEY_PREVIOUS_SECRETS',
  'LATCHKEY_ROLE',
  // Everything listens on one address.
  'LATCHKEY_OPERATIONS_PORT',
  'LATCHKEY_OPERATIONS_HOST',
  'LATCHKEY_DOCS',
];

/** Returns the names of variables that are set but ignored, for the start to name. */
export function ignoredVariables(given: Given): string[] {
  return IGNORED_VARIABLES.filter((name) => isSet(given[name]));
}

/**
 * Builds the environment of the embedded start: fixed credentials of the demo, secrets from its data folder, and all other
 * variables as given.
 * @throws StartError for a host that other machines could reach
 */
export function embeddedEnvironment({
  given,
  variables,
  demo,
  folder,
  workosPort,
  testPort,
}: Places): Record<string, string | undefined> {
  const host = given['HOST'] || '127.0.0.1';
  if (!LOOPBACK.includes(host)) throw new StartError(`The embedded start listens on loopback only, not on ${host}.`);
  const workosUrl = `http://127.0.0.1:${workosPort}`;
  return {
    STRIPE_WEBHOOK_SECRET: 'whsec_latchkey_demo_stripe',
    // base64 of "latchkey demo billing secret".
    BILLING_WEBHOOK_SECRETS: 'whsec_bGF0Y2hrZXkgZGVtbyBiaWxsaW5nIHNlY3JldA==',
    // All clients of a demo share one address, and their tries often fail.
    LATCHKEY_FAILED_CREDENTIALS_PER_MINUTE: '0',
    WORKOS_UNEXPECTED_KEYS_PER_MINUTE: '1000',
    WORKOS_KEY_CHANGES_PER_SECOND: '10000',
    LATCHKEY_KEY_CHANGES_PER_MINUTE: '1000000',
    WORKOS_COOKIE_PASSWORD: storedSecret(folder, 'cookie-password'),
    ...usedVariables(given, variables),
    LATCHKEY_SERVICE_TOKENS: [SERVICE_TOKEN, given['LATCHKEY_SERVICE_TOKENS']].filter(isSet).join(','),
    HOST: host,
    DATABASE_URL: 'postgres://embedded/latchkey',
    LATCHKEY_SECRET: storedSecret(folder, 'secret'),
    WORKOS_API_KEY: demo.apiKey,
    WORKOS_CLIENT_ID: demo.clientId,
    WORKOS_API_URL: workosUrl,
    WORKOS_AUTHKIT_URL: workosUrl,
    ...(testPort !== undefined && {
      WORKOS_API_KEY_TEST: demo.test.apiKey,
      WORKOS_CLIENT_ID_TEST: demo.test.clientId,
      WORKOS_API_URL_TEST: `http://127.0.0.1:${testPort}`,
    }),
  };
}

function usedVariables(given: Given, variables: readonly string[]): Record<string, string | undefined> {
  return Object.fromEntries(Object.entries(given).filter(([name, value]) => isUsed(name, variables) && isSet(value)));
}

function isUsed(name: string, variables: readonly string[]): boolean {
  return (variables.includes(name) || name.startsWith('LATCHKEY_NOTICES_SECRET')) && !IGNORED_VARIABLES.includes(name);
}

function isSet(value: string | undefined): boolean {
  return value !== undefined && value !== '';
}
