import { afterAll, expect, onTestFinished, test } from 'vitest';
import { connectDatabase } from '../../src/db/connect.ts';
import { SERVER_IDENTITY, makeDatabaseServer } from '../../src/db/database-server.ts';
import { isDatabaseUnavailable } from '../../src/db/pg-errors.ts';
import { freshDatabase } from '../support/database.ts';

const { url, close } = await freshDatabase();
afterAll(close);
if (url === undefined) throw new Error('these tests need TEST_DATABASE_URL');
const databaseUrl = url;

/** A pool of one connection, and what follows the server on which changes are listened to. */
function connect() {
  const server = makeDatabaseServer(databaseUrl);
  const db = connectDatabase({ url: databaseUrl, server, poolMax: 1 });
  onTestFinished(() => db.destroy());
  const ask = async (sql: string) => (await db.raw<{ rows: Record<string, string>[] }>(sql)).rows[0];
  return { server, ask };
}

test('a connection to another server than the one that changes are listened to on is given up, and none is made', async () => {
  const { server, ask } = connect();
  const identity = (await ask(SERVER_IDENTITY))!['identity']!;
  const pid = (await ask('select pg_backend_pid() as pid'))!['pid'];
  server.follow(identity);
  expect((await ask('select pg_backend_pid() as pid'))!['pid']).toBe(pid);

  server.follow('another start of a server');
  const refused: unknown = await ask('select 1').catch((error: unknown) => error);
  expect(isDatabaseUnavailable(refused)).toBe(true);

  server.follow(identity);
  const after = (await ask('select pg_backend_pid() as pid'))!['pid'];
  expect(after).not.toBe(pid);
  // The first one is not kept open at the server either.
  const { ask: watch } = connect();
  const left = () => watch(`select count(*)::int as count from pg_stat_activity where pid = ${pid}`);
  await expect.poll(async () => (await left())!['count']).toBe(0);
});

test('until a server is followed every connection will do', async () => {
  const { ask } = connect();
  expect(await ask('select 1 as one')).toEqual({ one: 1 });
});
