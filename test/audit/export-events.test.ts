import { beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { COLUMN_NAMES } from '../../src/audit/csv/export-events.ts';
import { call, createKey, outcome } from '../support/api.ts';
import { parseCsv } from '../support/csv.ts';
import { SERVICE_TOKEN, startService } from '../support/service.ts';

const service = await startService();
const PATH = '/v1/audit-events/export';

const exported = async (token: string, query = '') => {
  const answer = await call(service, 'GET', PATH + query, { token });
  expect(outcome(answer)).toEqual([200, undefined]);
  const [names, ...lines] = parseCsv(String(answer.body['csv']));
  expect(names).toEqual(COLUMN_NAMES);
  return { lines, headers: answer.headers };
};
const listed = async (token: string, query = '') =>
  (await call(service, 'GET', `/v1/audit-events${query}`, { token })).body.data;
const sequences = ({ lines }: { lines: string[][] }) => lines.map(([sequence]) => Number(sequence));

/** Inserts events that no chain links: the newest 3,000, and every tenth before them. What is recorded is their sequence. */
const insertEvents = (organizationId: string, count: number, details: object = {}) =>
  service.db.raw(
    `insert into audit_events (organization_id, sequence, id, occurred_at, action, actor_kind, actor_id, target_kind,
       target_id, details, hash, link_version, link_key)
     select ?, i, 'audit_' || ? || i, now() - (? - i) * interval '1 minute',
       case when i % 100 = 0 then 'api_key.revoked' else 'api_key.created' end, 'machine', 'client_x', 'api_key',
       'api_key_' || i, ?::jsonb, '', 2, '00000000'
     from generate_series(1, ?::int) i where i > ? - 3000 or i % 10 = 1`,
    [organizationId, organizationId, count, JSON.stringify(details), count, count],
  );

describe('GET /v1/audit-events/export', () => {
  test('returns the events of the list as CSV, newest first', async () => {
    const acme = await service.organizations.add();
    const owner = await acme.session();
    const { id } = await createKey(service, owner, { label: '=1+1, "quoted"\u2603' });
    await call(service, 'DELETE', `/v1/api-keys/${id}`, { token: owner });
    const { lines, headers } = await exported(owner);
    expect(headers.get('content-type')).toBe('text/csv; charset=utf-8; header=present');
    expect(headers.get('content-disposition')).toBe('attachment; filename="audit-events.csv"');
    expect(headers.get('cache-control')).toBe('no-store');
    const cells = (await listed(owner)).map((event) => {
      const { actor, target } = event as unknown as Record<'actor' | 'target', { kind: string; id: string }>;
      const { sequence, occurred_at: at, action, request_id: request, ip } = event;
      const details = JSON.stringify(event['details']);
      return [sequence, event['id'], at, action, actor.kind, actor.id, target.kind, target.id, request, ip, details];
    });
    expect(lines).toEqual(cells.map((line) => line.map(String)));
  });

  test('filters as the list does', async () => {
    const acme = await service.organizations.add();
    const [owner, runner] = [await acme.session(), await acme.machineToken()];
    const key = await createKey(service, owner);
    await createKey(service, runner);
    await call(service, 'DELETE', `/v1/api-keys/${key.id}`, { token: runner });
    const at = String((await listed(owner))[1]?.['occurred_at']);
    const queries = [
      `?target_id=${key.id}`,
      `?actor_id=${acme.machineClientId}`,
      '?action=api_key.revoked',
      `?to=${at}`,
    ];
    for (const query of [...queries, `?from=${at}&action=api_key.created,api_key.revoked`]) {
      const wanted = (await listed(owner, query)).map(({ sequence }) => sequence);
      expect(sequences(await exported(owner, query))).toEqual(wanted);
      expect(wanted.length).toBeGreaterThan(0);
    }
    expect(sequences(await exported(owner, '?actor_id=nobody'))).toEqual([]);
  });

  test('keeps an actor whose id begins like a formula from being one', async () => {
    const acme = await service.organizations.add();
    const act = { sub: '+ada@example.com' };
    const key = await createKey(service, await acme.session());
    const impersonated = await acme.session('owner', { act });
    await call(service, 'DELETE', `/v1/api-keys/${key.id}`, { token: impersonated });
    expect((await exported(await acme.session())).lines[0]?.[5]).toBe("'+ada@example.com");
  });

  test('returns the names of the columns alone for an organization without events', async () => {
    const acme = await service.organizations.add();
    expect((await exported(await acme.session())).lines).toEqual([]);
  });

  describe('of a long log', () => {
    let acme: Awaited<ReturnType<typeof service.organizations.add>>;
    beforeAll(async () => {
      acme = await service.organizations.add();
      await insertEvents(acme.id, 100_001);
    });

    test('has every event once, however many pieces it has', async () => {
      const from = new Date(Date.now() - 2_500 * 60_000).toISOString();
      const all = sequences(await exported(await acme.session(), `?from=${from}`));
      expect(all).toEqual(Array.from({ length: all.length }, (_, i) => 100_001 - i));
      expect(all.length).toBeGreaterThan(2_400);
      expect(all.length).toBeLessThan(2_600);
      const revoked = sequences(await exported(await acme.session(), `?from=${from}&action=api_key.revoked`));
      expect(revoked).toEqual(all.filter((sequence) => sequence % 100 === 0));
    });

    test('returns 400 for more than 100,000 events, whatever else filters them', async () => {
      for (const query of ['', '?action=session.created', `?from=2000-01-01T00:00:00Z`]) {
        const answer = await call(service, 'GET', PATH + query, { token: await acme.session() });
        expect(outcome(answer)).toEqual([400, 'validation_error']);
        expect(answer.body.error.details?.['fields']).toEqual({
          from: 'At most 100,000 events in one file; about 100,001 were recorded in this time. Give a shorter one.',
        });
      }
      const from = new Date(Date.now() - 99_000 * 60_000).toISOString();
      const head = await call(service, 'HEAD', `${PATH}?from=${from}`, { token: await acme.session() });
      expect([head.status, head.headers.get('content-type')]).toEqual([200, 'text/csv; charset=utf-8; header=present']);
    });
  });

  test('runs twice at once for one organization, and goes on for others', async () => {
    const [acme, other] = [await service.organizations.add(), await service.organizations.add()];
    // More than the buffers between a server and a client that does not read.
    await insertEvents(acme.id, 5_000, { note: 'x'.repeat(8_000) });
    const token = await acme.session();
    const leaving = new AbortController();
    onTestFinished(() => leaving.abort());
    const unread = () =>
      fetch(`${service.url}${PATH}`, { headers: { authorization: `Bearer ${token}` }, signal: leaving.signal });
    expect((await Promise.all([unread(), unread()])).map(({ status }) => status)).toEqual([200, 200]);
    for (const path of [PATH, '/v1/access-review/export']) {
      const third = await call(service, 'GET', path, { token });
      expect(outcome(third)).toEqual([429, 'concurrency_limited']);
      expect(third.headers.get('retry-after')).toBe('1');
    }
    expect((await exported(await other.session())).lines).toEqual([]);
    leaving.abort();
    await expect.poll(async () => (await call(service, 'HEAD', PATH, { token })).status).toBe(200);
    expect((await exported(token, '?actor_id=nobody')).lines).toEqual([]);
  });

  test('requires audit:read, and shows no event of another organization', async () => {
    const [acme, other] = [await service.organizations.add(), await service.organizations.add()];
    const key = await createKey(service, await other.session(), { permission_set: 'read_only' });
    expect((await exported(await acme.session())).lines).toEqual([]);
    expect((await exported(key.value)).lines).toHaveLength(1);
    for (const token of [await other.session('member'), await other.machineToken('apikeys:write'), SERVICE_TOKEN])
      expect(outcome(await call(service, 'GET', PATH, { token }))).toEqual([403, 'permission_denied']);
  });

  test.each([
    ['?limit=10', 'limit'],
    ['?after=audit_x', 'after'],
    ['?action=api_key.stolen', 'action'],
    ['?from=yesterday', 'from'],
    ['?from=2026-11-22T00:00:00Z&to=2026-11-21T00:00:00Z', 'from'],
  ])('returns 400 on the field for %s', async (query, field) => {
    const acme = await service.organizations.add();
    const answer = await call(service, 'GET', PATH + query, { token: await acme.session() });
    expect(outcome(answer)).toEqual([400, 'validation_error']);
    expect(Object.keys(answer.body.error.details?.['fields'] as object)).toEqual([field]);
  });
});
