import { z } from 'zod';

/** `svc_…`, or `NAME=svc_…:scope+scope`: the name of a token for staff, the token, the scopes to which it is limited. */
const SERVICE_TOKEN = /^(?:([a-z][a-z0-9_-]{0,63})=)?(svc_[A-Za-z0-9_-]{8,200})(?::(.+))?$/;
const SERVICE_SCOPES: readonly string[] = [
  'billing:write',
  'billing:read',
  'apikeys:verify',
  'webhooks:read',
  'webhooks:write',
];
/** Scopes that act for customers. Only a token that names them has them. */
const STAFF_SCOPES: readonly string[] = ['staff:keys', 'staff:addresses'];

export const COOKIE_NAME = /^[\w!#$%&'*+.^`|~-]{1,64}$/;

export const secret = (bytes: number) =>
  z.string().refine((value) => Buffer.byteLength(value) >= bytes, `needs ${bytes} bytes or more, all of them random`);
export const baseUrl = z.url({ protocol: /^https?$/ }).transform((url) => url.replace(/\/+$/, ''));
const LOOPBACK = ['localhost', '127.0.0.1', '[::1]'];
/** Address that JSON is fetched from: https with a host name and the usual port, or http on this machine. */
export const fetchedUrl = z
  .url()
  .max(2_000)
  .refine((url) => {
    const { protocol, hostname, port, username, password } = URL.parse(url) ?? {};
    if (protocol === 'http:') return LOOPBACK.includes(hostname ?? '');
    return protocol === 'https:' && port === '' && username === '' && password === '';
  }, 'needs an https address without user and port; http is for this machine alone');
export const list = z.string().transform((value) =>
  value
    .split(',')
    .map((item) => item.trim())
    .filter((item) => item !== ''),
);
export const serviceToken = z
  .string()
  .regex(SERVICE_TOKEN, 'needs svc_ and 8 to 200 letters, digits, _ or -; append :scope+scope to limit it')
  .transform((entry) => {
    const [, name, token = '', scopes] = SERVICE_TOKEN.exec(entry) ?? [];
    return { name, token, scopes: scopes?.split('+') ?? [...SERVICE_SCOPES] };
  })
  .refine(
    ({ scopes }) => scopes.every((scope) => SERVICE_SCOPES.includes(scope) || STAFF_SCOPES.includes(scope)),
    `names a scope that is none of ${[...SERVICE_SCOPES, ...STAFF_SCOPES].join(', ')}`,
  )
  .refine(
    ({ name, scopes }) => (name !== undefined) === scopes.some((scope) => STAFF_SCOPES.includes(scope)),
    'needs a name (NAME=svc_…) if it has a staff scope, and none otherwise',
  );
/** An address as the Redis client reads it: the database is a number, the password may be percent-encoded. */
export const redisUrl = z
  .url({ protocol: /^rediss?$/, hostname: /./, abort: true, error: 'needs a redis:// or rediss:// address' })
  .refine((url) => /^\/?\d{0,3}$/.test(new URL(url).pathname), 'names a database that is not a number')
  .refine((url) => isDecodable(new URL(url)), 'has a user or password that is not percent-encoded');
export const previousSecrets = z
  .array(z.string())
  .refine(
    (secrets) => secrets.length <= 3 && secrets.every((one) => Buffer.byteLength(one) >= 32),
    'needs up to 3 secrets of 32 bytes or more, separated by commas; no secret may contain a comma',
  );
const MAX_WEBHOOK_SECRETS = 5;
export const webhookSecrets = (form: RegExp, message: string) =>
  list
    .pipe(
      z.array(z.string().regex(form, message)).max(MAX_WEBHOOK_SECRETS, `takes up to ${MAX_WEBHOOK_SECRETS} secrets`),
    )
    .default([]);
export const signingSecrets = webhookSecrets(
  /^whsec_(?:[A-Za-z0-9+/]{4}){8,21}(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/,
  'needs whsec_ and 24 to 64 random bytes in base64',
);
const IMPORT_SECRET = /^([a-z][a-z0-9_-]{0,31}):((?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?)$/;
export const importSecrets = z
  .array(
    z
      .string()
      .max(1_024)
      .regex(IMPORT_SECRET, 'needs the name of an import, a colon, and a secret in base64')
      .transform((entry) => {
        const [, name = '', secret = ''] = IMPORT_SECRET.exec(entry) ?? [];
        return [name, Buffer.from(secret, 'base64')] as const;
      }),
  )
  .max(8, 'takes up to 8 secrets');
export const environmentKey = z.string().startsWith('sk_', 'needs the secret key of a WorkOS environment (sk_…)');
export const environmentClientId = z
  .string()
  .startsWith('client_', 'needs the client id of a WorkOS environment (client_…)');
/** A whole number within bounds; `fallback` where the variable is unset. */
export const wholeNumber = (min: number, max: number, fallback: number) =>
  z.coerce.number().int().min(min).max(max).default(fallback);
export const milliseconds = (fallback: number) => wholeNumber(1, 600_000, fallback);

function isDecodable({ username, password }: URL): boolean {
  try {
    decodeURIComponent(username + password);
    return true;
  } catch {
    return false;
  }
}
