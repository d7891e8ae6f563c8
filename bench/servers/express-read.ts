import express from 'express';
import { Pool } from 'pg';

/** Express 5 and `pg` alone: a GET that reads one row with one prepared statement and answers it as JSON, without a log. */
const { PORT, DATABASE_URL, ORGANIZATION = '' } = process.env;
const POOL_MAX = 10;
const READ = `select billing_status, status_since, trial_ends_at, plan, deleted_at from tenants where organization_id = $1`;
const pool = new Pool({ connectionString: DATABASE_URL, max: POOL_MAX });

const app = express();
app.get('/', async (_req, res) => {
  const { rows } = await pool.query<object>({ name: 'read tenant', text: READ, values: [ORGANIZATION] });
  res.json(rows[0]);
});
app.get('/healthz', (_req, res) => {
  res.json({ status: 'ok' });
});
app.listen(Number(PORT), '127.0.0.1');
