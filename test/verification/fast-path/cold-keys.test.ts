import { describe, expect, onTestFinished, test } from 'vitest';
import { call, createKey } from '../../support/api.ts';
import { SERVICE_TOKEN, startService } from '../../support/service.ts';

const service = await startService({ LATCHKEY_FAILED_CREDENTIALS_PER_MINUTE: '5' });
const routes = await service.withoutFastPaths();
const newKey = async () => createKey(service, await (await service.organizations.add()).session());

const forget = () => service.trust.onNotification(undefined);
const verify = (key: string, more: object = {}, at: { url: string } = service) =>
  call(at, 'POST', '/v1/api-keys/verify', { token: SERVICE_TOKEN, body: { key, ...more } });
const forward = (key: string, at: { url: string } = service) =>
  call(at, 'GET', '/v1/auth/forward', { headers: { 'x-api-key': key } });

type DatabaseClient = { query: (connection: unknown, asked: { sql: string }) => Promise<unknown> };

/** Counts the queries that read keys, and lets a test fail them. */
function watchReads(failure?: Error) {
  const client = service.db.client as DatabaseClient;
  const { query } = client;
  const seen = { reads: 0 };
  client.query = function watched(connection, asked) {
    const isRead = asked.sql.includes('k.secret_hash = any(');
    if (isRead) seen.reads++;
    return isRead && failure ? Promise.reject(failure) : query.call(this, connection, asked);
  };
  onTestFinished(() => void (client.query = query));
  return seen;
}

/** The status and error of an answer, without the id of its request. */
function refusalIn({ status, body }: Awaited<ReturnType<typeof verify>>) {
  const { request_id: _id, ...error } = body['error'] as Record<string, unknown>;
  return [status, error];
}

describe('a key that is not in memory', () => {
  test('is answered from the mirror without passing through Express, and from memory after that', async () => {
    const { value } = await newKey();
    for (const ask of [verify, forward]) {
      forget();
      const before = service.logs.length;
      expect((await ask(value)).status).toBe(200);
      // The route would log the request.
      expect(service.logs.slice(before).filter((line) => line.includes('"request"'))).toEqual([]);
    }
    forget();
    expect((await verify(value)).body['source']).toBe('mirror');
    expect((await verify(value)).body['source']).toBe('cache');
  });

  test('is read together with the others of its time', async () => {
    const keys = await Promise.all(Array.from({ length: 12 }, newKey));
    forget();
    const seen = watchReads();
    const answers = await Promise.all(keys.flatMap(({ value }) => [verify(value), verify(value)]));
    expect(answers.map(({ body }) => body['id'])).toEqual(keys.flatMap(({ id }) => [id, id]));
    expect(seen.reads).toBeLessThan(keys.length);
  });

  test('is refused by verify and forward once it is revoked', async () => {
    const owner = await (await service.organizations.add()).session();
    const { id, value } = await createKey(service, owner);
    await call(service, 'DELETE', `/v1/api-keys/${id}`, { token: owner });
    forget();
    expect((await verify(value)).body).toMatchObject({ valid: false, code: 'revoked', source: 'mirror' });
    forget();
    expect((await forward(value)).status).toBe(401);
  });

  test('fails with 503 as on the route, after one failed read', async () => {
    const { value } = await newKey();
    forget();
    const failed = Object.assign(new Error('connect ECONNREFUSED'), { code: 'ECONNREFUSED' });
    const seen = watchReads(failed);
    for (const ask of [(at: { url: string }) => verify(value, {}, at), (at: { url: string }) => forward(value, at)]) {
      seen.reads = 0;
      const answer = refusalIn(await ask(service));
      expect(seen.reads).toBe(1);
      expect(answer).toMatchObject([503, { code: 'database_unavailable' }]);
      expect(answer).toEqual(refusalIn(await ask(routes)));
    }
  });

  test('that is unknown counts once against the address that presents it', async () => {
    const ip = '192.0.2.99';
    const codes = [];
    for (let i = 0; i < 7; i++) codes.push((await verify(`sk_unknown_but_long_enough_${i}`, { ip })).body['code']);
    expect(codes).toEqual([...Array.from({ length: 5 }, () => 'not_found'), 'rate_limited', 'rate_limited']);
  });
});
