import { apiKey } from '@better-auth/api-key';
import { betterAuth } from 'better-auth';
import { getMigrations } from 'better-auth/db/migration';
// Of Latchkey's own dependencies: the same driver for both.
import { Pool } from 'pg';

// Makes keys of every kind in the PostgreSQL of DATABASE_URL by Better Auth's own API, and prints them as JSON.
const database = new Pool({ connectionString: process.env.DATABASE_URL, max: 2 });
const auth = betterAuth({
  baseURL: 'http://127.0.0.1',
  secret: 'a secret for tests, known to everybody',
  database,
  emailAndPassword: { enabled: true },
  logger: { disabled: true },
  telemetry: { enabled: false },
  plugins: [apiKey({ enableMetadata: true, rateLimit: { enabled: true, maxRequests: 3, timeWindow: 60_000 } })],
});
const { runMigrations } = await getMigrations(auth.options);
await runMigrations();

const signUp = async (name) => {
  const body = { name, email: `${name}@peer.test`, password: 'a password of the tests' };
  return (await auth.api.signUpEmail({ body })).user.id;
};
const [ada, grace] = [await signUp('ada'), await signUp('grace')];
const unlimited = { rateLimitEnabled: false };
const read = { permissions: { workspace: ['read'], audit: ['read'] } };
const KINDS = {
  plain: { userId: ada, name: 'plain', ...read, metadata: { team: 'a' } },
  other_owner: { userId: grace, name: 'of another owner', ...unlimited, ...read },
  without_name: { userId: ada, ...unlimited, ...read },
  expiring: { userId: ada, expiresIn: 86_400 * 2, ...unlimited, ...read },
  without_permissions: { userId: ada, ...unlimited },
  unmapped: { userId: ada, permissions: { projects: ['delete'] } },
  prefixed: { userId: ada, prefix: 'shop_', ...read },
  credits: { userId: ada, remaining: 5, ...read },
  disabled: { userId: ada, ...read },
  expired: { userId: ada, expiresIn: 86_400 * 2, ...read },
};
const made = {};
for (const [kind, body] of Object.entries(KINDS)) made[kind] = await auth.api.createApiKey({ body });
await auth.api.updateApiKey({ body: { keyId: made.disabled.id, userId: ada, enabled: false } });
const verdicts = {};
for (const [kind, { key }] of Object.entries(made))
  verdicts[kind] = (await auth.api.verifyApiKey({ body: { key } })).valid;
// Better Auth deletes an expired key when it verifies it.
await database.query(`update apikey set "expiresAt" = now() - interval '1 hour' where id = $1`, [made.expired.id]);
process.stdout.write(JSON.stringify({ made, verdicts, owners: { ada, grace } }));
await database.end();
