import { Client } from 'pg';

// Exits with 0 when a server answers at TEST_DATABASE_URL and lets this user create databases.
const client = new Client({ connectionString: process.env['TEST_DATABASE_URL'], connectionTimeoutMillis: 3_000 });
try {
  await client.connect();
  const { rows } = await client.query<{ allowed: boolean }>(
    'select rolsuper or rolcreatedb as allowed from pg_roles where rolname = current_user',
  );
  if (rows[0]?.allowed !== true) throw new Error('this user may not create databases');
} catch (error) {
  const [first] = error instanceof AggregateError ? error.errors : [error];
  process.stdout.write(`PostgreSQL cannot be used: ${(first as Error).message}\n`);
  process.exitCode = 1;
} finally {
  await client.end();
}
