import { createServer } from 'node:http';
import { Pool } from 'pg';
import { deriveKeys } from '../../src/secrets.ts';
import { makeKeyHasher } from '../../src/verification/hmac/key-hasher.ts';

/**
 * `node:http` and `pg` alone: parses the body, reads the key's row by its hash with one prepared statement, and answers
 * the bytes of `ANSWER`, without a log. 404 for a key that has no row.
 */
const { PORT, ANSWER = '', DATABASE_URL, LATCHKEY_SECRET = '' } = process.env;
const POOL_MAX = 10;
const headers = ['content-type', 'application/json; charset=utf-8', 'content-length', `${ANSWER.length}`];
const pool = new Pool({ connectionString: DATABASE_URL, max: POOL_MAX });
const hasher = makeKeyHasher(deriveKeys({ secret: LATCHKEY_SECRET, previousSecrets: [] }, 'api key hash'));

const READ = `select organization_id, workos_id, environment, label, permission_set, scopes, status, expires_at
  from api_keys where secret_hash = $1`;

createServer((req, res) => {
  if (req.method !== 'POST') return void res.writeHead(200).end('{}');
  req.on('data', (bytes: Buffer) => {
    const { key } = JSON.parse(bytes.toString('latin1')) as { key: string };
    const { secretHash } = hasher.keep(key);
    pool.query({ name: 'read key', text: READ, values: [secretHash] }).then(
      ({ rows }) => res.writeHead(rows.length === 1 ? 200 : 404, headers).end(ANSWER, 'latin1'),
      () => res.writeHead(500).end('{}'),
    );
  });
}).listen(Number(PORT), '127.0.0.1');
