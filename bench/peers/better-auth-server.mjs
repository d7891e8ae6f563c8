import { createServer } from 'node:http';
import { apiKey } from '@better-auth/api-key';
import { betterAuth } from 'better-auth';
import { getMigrations } from 'better-auth/db/migration';
// Of Latchkey's own dependencies: the same driver for both.
import { Pool } from 'pg';

/**
 * Better Auth's API-key plugin behind plain HTTP: `GET /keys` is what it made, `POST /verify` takes `{"key"}`. Keys are
 * in PostgreSQL (STORAGE=database), or in a Map as secondary storage (STORAGE=memory), where users stay in PostgreSQL.
 */
const inMemory = process.env.STORAGE === 'memory';
const map = new Map();
const auth = betterAuth({
  baseURL: 'http://127.0.0.1',
  secret: 'a secret for the benchmark, known to everybody',
  database: new Pool({ connectionString: process.env.DATABASE_URL, max: 10 }),
  emailAndPassword: { enabled: true },
  logger: { disabled: true },
  telemetry: { enabled: false },
  rateLimit: { enabled: false },
  ...(inMemory && {
    secondaryStorage: {
      get: (key) => map.get(key) ?? null,
      set: (key, value) => void map.set(key, value),
      delete: (key) => void map.delete(key),
    },
    advanced: { backgroundTasks: { handler: (task) => void task.catch(() => undefined) } },
  }),
  plugins: [
    apiKey({
      rateLimit: { enabled: false },
      ...(inMemory && { storage: 'secondary-storage', deferUpdates: true }),
    }),
  ],
});

const { runMigrations } = await getMigrations(auth.options);
await runMigrations();
const keys = await makeKeys(Number(process.env.KEYS));

async function makeKeys(count) {
  const body = { name: 'Bench', email: `${process.env.STORAGE}@bench.test`, password: 'a password of the benchmark' };
  const { user } = await auth.api.signUpEmail({ body });
  const made = [];
  for (let i = 0; i < count; i++) made.push((await auth.api.createApiKey({ body: { userId: user.id } })).key);
  return made;
}

async function read(req) {
  const chunks = [];
  for await (const chunk of req) chunks.push(chunk);
  return JSON.parse(Buffer.concat(chunks).toString('utf8'));
}

async function answer(req) {
  if (req.url === '/keys') return keys;
  if (req.url === '/healthz') return { status: 'ok' };
  const { key } = await read(req);
  const { valid, key: found } = await auth.api.verifyApiKey({ body: { key } });
  return { valid, id: found?.id ?? null };
}

createServer((req, res) => {
  answer(req).then(
    (body) => res.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(body)),
    () => res.writeHead(500).end(),
  );
}).listen(Number(process.env.PORT), '127.0.0.1');
