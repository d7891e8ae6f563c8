import { describe, expect, test } from 'vitest';
import { call, createKey, outcome } from '../support/api.ts';
import { SERVICE_TOKEN, startService } from '../support/service.ts';
import { statementsOf } from './gather.ts';

const service = await startService();
const MINUTE = 60_000;
const HOUR = 60 * MINUTE;

const acme = await service.organizations.add();
const owner = await acme.session();
const key = await createKey(service, owner);

const fromNow = (milliseconds: number) => new Date(service.clock().getTime() + milliseconds).toISOString();
const use = (changes: object = {}) => ({
  id: key.id,
  organization_id: acme.id,
  code: 'valid',
  count: 1,
  last_used_at: fromNow(0),
  ...changes,
});
const report = (uses: unknown, token = SERVICE_TOKEN) => call(service, 'POST', '/v1/usage', { token, body: { uses } });
const flush = () => service.background.runOnce('flush_usage');
const usageOf = async (id: string, token = owner) =>
  (await call(service, 'GET', `/v1/api-keys/${id}/usage`, { token })).body;

describe('POST /v1/usage', () => {
  test('counts reported uses in their hour', async () => {
    const key = await createKey(service, owner);
    const at = fromNow(-3 * HOUR);
    const answer = await report([
      use({ id: key.id, count: 40, last_used_at: at, ip: '2001:db8::7', user_agent: 'okhttp/4.12.0' }),
      use({ id: key.id, code: 'insufficient_scope', count: 2 }),
    ]);
    expect([answer.status, answer.body]).toEqual([202, { accepted: 2 }]);
    await flush();
    const usage = await usageOf(key.id);
    expect(usage).toMatchObject({
      codes: { valid: 40, insufficient_scope: 2 },
      last_used_at: at,
      last_used_ip: '2001:db8::7',
      last_used_agent: 'okhttp',
    });
    expect(usage.data.filter(({ total }) => total !== 0)).toMatchObject([{ codes: { valid: 40 } }, { total: 2 }]);
  });

  test('counts uses of a clock that is slightly ahead', async () => {
    const key = await createKey(service, owner);
    await report([use({ id: key.id, last_used_at: fromNow(MINUTE - 5_000) })]);
    await flush();
    expect(Date.parse(String((await usageOf(key.id))['last_used_at']))).toBeLessThanOrEqual(service.clock().getTime());
  });

  test('skips ids that are not keys of the organization, with one look-up', async () => {
    const other = await service.organizations.add();
    const theirs = await createKey(service, await other.session());
    const statements = await statementsOf(service.db, async () => {
      const invented = Array.from({ length: 500 }, (_, i) => use({ id: `api_key_invented_${i}` }));
      const answer = await report([use({ id: theirs.id }), use({ organization_id: other.id }), ...invented]);
      expect(answer.body).toEqual({ accepted: 0 });
    });
    expect(statements).toEqual([expect.stringMatching(/^select workos_id/)]);
    expect(await statementsOf(service.db, flush)).toEqual([]);
  });

  test('returns 403 to a machine token for another organization', async () => {
    const other = await service.organizations.add();
    const theirs = await createKey(service, await other.session());
    const token = await acme.machineToken('apikeys:verify');
    expect((await report([use()], token)).body).toEqual({ accepted: 1 });
    for (const foreign of [use({ id: theirs.id, organization_id: other.id }), use({ organization_id: other.id })]) {
      expect(outcome(await report([use(), foreign], token))).toEqual([403, 'permission_denied']);
    }
    await flush();
    expect(await usageOf(theirs.id, await other.session())).toMatchObject({ total: 0 });
  });

  test('returns 403 to other callers', async () => {
    for (const token of [owner, key.value, await acme.machineToken('apikeys:write')]) {
      expect(outcome(await report([use()], token))).toEqual([403, 'permission_denied']);
    }
  });

  test.each<[string, () => unknown, string]>([
    ['nothing', () => undefined, 'uses'],
    ['no use', () => [], 'uses'],
    ['more than 1,000', () => Array.from({ length: 1_001 }, () => use()), 'uses'],
    ['no count', () => [use({ count: 0 })], 'uses.0.count'],
    ['a part of one', () => [use({ count: 1.5 })], 'uses.0.count'],
    ['more than a million', () => [use({ count: 1_000_001 })], 'uses.0.count'],
    ['a code that no verdict has', () => [use({ code: 'fine' })], 'uses.0.code'],
    ['what is more than a day old', () => [use({ last_used_at: fromNow(-24 * HOUR - 5_000) })], 'uses.0.last_used_at'],
    ['no time', () => [use({ last_used_at: 'now' })], 'uses.0.last_used_at'],
    ['an id of nothing', () => [use({ id: 'a b' })], 'uses.0.id'],
    ['an address without end', () => [use({ ip: '1'.repeat(65) })], 'uses.0.ip'],
    ['a client without end', () => [use({ user_agent: 'x'.repeat(257) })], 'uses.0.user_agent'],
    ['more than is asked', () => [use({ key: 'sk_x' })], 'uses.0.key'],
  ])('returns 400 for the whole report: %s', async (_what, uses, field) => {
    const { status, body } = await report(uses());
    expect([status, body.error.code]).toEqual([400, 'validation_error']);
    expect(Object.keys(body.error.details?.['fields'] ?? {})).toEqual([field]);
  });

  test('counts future uses as now, together with the others of the report', async () => {
    const key = await createKey(service, await acme.session());
    const ahead = use({ id: key.id, last_used_at: fromNow(2 * HOUR) });
    expect((await report([use({ id: key.id }), ahead])).body).toEqual({ accepted: 2 });
    await flush();
    expect(await usageOf(key.id)).toMatchObject({ total: 2 });
    const { last_used_at: lastUsedAt } = (
      await call(service, 'GET', `/v1/api-keys/${key.id}`, { token: await acme.session() })
    ).body;
    expect(Date.parse(String(lastUsedAt))).toBeLessThanOrEqual(service.clock().getTime());
  });

  test('accepts a thousand uses, and returns 413 above 256 KiB', async () => {
    const whole = { ip: '2001:db8:aaaa:bbbb:cccc:dddd:eeee:ffff', user_agent: 'python-requests/2.32.3' };
    expect((await report(Array.from({ length: 1_000 }, () => use(whole)))).body).toEqual({ accepted: 1_000 });
    const padding = ' '.repeat(256 * 1024);
    const body = `{"uses":[]${padding}}`;
    const answer = await call(service, 'POST', '/v1/usage', { token: SERVICE_TOKEN, body });
    expect(outcome(answer)).toEqual([413, 'payload_too_large']);
    expect(answer.body.error.message).toContain('262144');
  });
});
