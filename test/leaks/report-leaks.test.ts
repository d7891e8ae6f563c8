import { createHash } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { readProduct } from '../../src/product/read-product.ts';
import { WEBHOOK_BODIES } from '../../src/webhooks/webhook.ts';
import { call, createKey, outcome, verifyKey } from '../support/api.ts';
import type { Answer } from '../support/api.ts';
import { makeDashboardKey } from '../support/at-workos.ts';
import { takeWorkosDown } from '../support/workos-faults.ts';
import { startService } from '../support/service.ts';
import { keysAtWorkos } from '../support/workos-keys.ts';
import { startReceiver } from '../webhooks/receiver.ts';
import { deliver, startWebhookService } from '../webhooks/webhook-service.ts';
import { entry, makeSigningKey, sendReport, startKeyList } from './scanner.ts';

const key = makeSigningKey('k1');
const list = await startKeyList(key);
const crm = await startReceiver();
const { permission_sets: sets } = readProduct(new URL('../../config/evershell.yaml', import.meta.url));
const service = await startWebhookService({
  endpoints: [{ name: 'crm', url: crm.url, secrets: [crm.secret] }],
  env: {
    LATCHKEY_LEAK_ORIGINS: 'github,depsdev,gitlab',
    LATCHKEY_LEAK_KEYS_GITHUB: list.url,
    LATCHKEY_LEAK_KEYS_DEPSDEV: list.url,
    LATCHKEY_LEAK_KEYS_GITLAB: list.url,
  },
  product: {
    permission_sets: sets.map((set) => (set.name === 'read_only' ? { ...set, leak_response: 'notify' as const } : set)),
  },
});

const report = (...tokens: unknown[]) => sendReport(service, tokens, { key });
const sha256 = (text: string) => createHash('sha256').update(text).digest('hex');

async function organizationWithKey(permission_set = 'full_access') {
  const acme = await service.organizations.add();
  const token = await acme.session();
  return { acme, token, key: await createKey(service, token, { permission_set }) };
}

async function eventsOf(token: string, id: string): Promise<object[]> {
  const { body } = await call(service, 'GET', `/v1/audit-events?target_id=${id}`, { token });
  return body.data.toReversed().map(({ action, actor, details }) => ({ action, actor, details }));
}

const isValid = async (value: string) => (await verifyKey(service, { key: value })).body['valid'];

describe('POST /v1/hooks/leaks', () => {
  test('revokes a published key at once, here and at WorkOS, and records where it was found', async () => {
    const { acme, token, key: leaked } = await organizationWithKey();
    expect(await isValid(leaked.value)).toBe(true);
    const answer = await report(entry(leaked.value));
    expect(outcome(answer)).toEqual([200, undefined]);
    expect(answer.body).toEqual([
      { token_hash: sha256(leaked.value), token_type: 'acme_api_key', label: 'true_positive' },
    ]);
    expect(await isValid(leaked.value)).toBe(false);
    expect(await keysAtWorkos(service, acme.id)).toEqual([]);
    const actor = { kind: 'system', id: 'leaks:github', name: null };
    const place = { origin: 'github', source: 'commit', url: 'https://github.com/acme/tasks/blob/0a1b2c/.env' };
    expect((await eventsOf(token, leaked.id)).slice(1)).toEqual([
      { action: 'api_key.leaked', actor, details: { label: 'a key', ...place, response: 'revoked' } },
      { action: 'api_key.revoked', actor, details: { label: 'a key', reason: 'leaked' } },
    ]);
  });

  test('sends api_key.leaked, then api_key.revoked', async () => {
    const { acme, key: leaked } = await organizationWithKey();
    await report(entry(leaked.value, { source: 'Pull_request_comment' }));
    await deliver(service);
    const sent = crm.takenOf(acme.id).map(({ body }) => body);
    expect(sent.map(({ type }) => type)).toEqual(['api_key.created', 'api_key.leaked', 'api_key.revoked']);
    expect(WEBHOOK_BODIES['api_key.leaked'].strict().parse(sent[1])).toEqual(sent[1]);
    expect(sent[1]!.data).toMatchObject({
      api_key: { id: leaked.id, status: 'active' },
      details: {
        origin: 'github',
        source: 'pull_request_comment',
        url: 'https://github.com/acme/tasks/blob/0a1b2c/.env',
        response: 'revoked',
      },
    });
    expect(crm.wrong).toEqual([]);
  });

  test('leaves a key active whose permission set says notify', async () => {
    const { acme, token, key: leaked } = await organizationWithKey('read_only');
    expect(outcome(await report(entry(leaked.value)))).toEqual([200, undefined]);
    expect(await isValid(leaked.value)).toBe(true);
    expect(await eventsOf(token, leaked.id)).toMatchObject([
      { action: 'api_key.created' },
      { action: 'api_key.leaked', details: { response: 'notified' } },
    ]);
    await deliver(service);
    expect(crm.takenOf(acme.id).map(({ body }) => body.type)).toEqual(['api_key.created', 'api_key.leaked']);
  });

  test('shows when the key was first reported, in answers for the key and not for its successor', async () => {
    const { token, key: leaked } = await organizationWithKey('read_only');
    const shown = async (id: string) => (await call(service, 'GET', `/v1/api-keys/${id}`, { token })).body['leaked_at'];
    expect(await shown(leaked.id)).toBeNull();
    const before = service.clock();
    await report(entry(leaked.value));
    const first = await shown(leaked.id);
    expect(Date.parse(String(first))).toBeGreaterThanOrEqual(before.getTime());
    service.clock.advance(60_000);
    await report(entry(leaked.value, { url: 'https://pastes.example/1' }));
    expect(await shown(leaked.id)).toBe(first);
    const rotated = await call(service, 'POST', `/v1/api-keys/${leaked.id}/rotate`, { token, body: {} });
    expect(await shown(String(rotated.body['id']))).toBeNull();
  });

  test('revokes in every billing posture', async () => {
    const { acme, key: leaked } = await organizationWithKey();
    await service.db('tenants').where({ organization_id: acme.id }).update({ billing_status: 'past_due' });
    await report(entry(leaked.value));
    expect(await service.db('api_keys').where({ workos_id: leaked.id })).toMatchObject([{ status: 'revoked' }]);
  });

  test('records a place once, however often it is reported, and another place again', async () => {
    const { token, key: leaked } = await organizationWithKey();
    const first = await report(entry(leaked.value));
    for (let i = 0; i < 3; i++) expect((await report(entry(leaked.value))).body).toEqual(first.body);
    await sendReport(service, [entry(leaked.value)], { key, origin: 'depsdev' });
    expect(await eventsOf(token, leaked.id)).toHaveLength(3);
    await report(entry(leaked.value, { url: 'https://pastes.example/7' }));
    expect((await eventsOf(token, leaked.id)).slice(3)).toMatchObject([
      { action: 'api_key.leaked', details: { url: 'https://pastes.example/7', response: 'already_revoked' } },
    ]);
  });

  test('records the first twenty places of a key', async () => {
    const { token, key: leaked } = await organizationWithKey();
    await report(...Array.from({ length: 60 }, (_, i) => entry(leaked.value, { url: `https://pastes.example/${i}` })));
    const recorded = await call(
      service,
      'GET',
      `/v1/audit-events?action=api_key.leaked&target_id=${leaked.id}&limit=100`,
      {
        token,
      },
    );
    expect(recorded.body.data).toHaveLength(20);
  });

  test('revokes a key once that several reports name at the same time', async () => {
    const { token, key: leaked } = await organizationWithKey();
    const answers = await Promise.all(Array.from({ length: 8 }, () => report(entry(leaked.value))));
    expect(answers.map(({ status }) => status)).toEqual(Array.from({ length: 8 }, () => 200));
    expect(await eventsOf(token, leaked.id)).toHaveLength(3);
  });

  test('takes many keys of many organizations in one report, and says which tokens were none', async () => {
    const all = await Promise.all([organizationWithKey(), organizationWithKey(), organizationWithKey('read_only')]);
    const never = 'sk_never_made_0123456789abcdef';
    const answer = await report(
      ...all.map(({ key: each }) => entry(each.value)),
      entry(never, { url: '' }),
      entry('some_token', { url: null, source: undefined }),
      { token: 5, type: 'x' },
      'no entry',
      entry('x'.repeat(5_000)),
    );
    expect(answer.body).toEqual([
      ...all.map(({ key: each }) =>
        expect.objectContaining({ token_hash: sha256(each.value), label: 'true_positive' }),
      ),
      { token_hash: sha256(never), token_type: 'acme_api_key', label: 'false_positive' },
      { token_hash: sha256('some_token'), token_type: 'acme_api_key', label: 'false_positive' },
    ]);
  });

  test('finds a key of the WorkOS dashboard that was never used', async () => {
    const acme = await service.organizations.add();
    const made = await makeDashboardKey(service, acme.id);
    expect((await report(entry(made.value))).body).toMatchObject([{ label: 'true_positive' }]);
    expect(await isValid(made.value)).toBe(false);
  });

  test.each(['depsdev', 'gitlab'] as const)('answers %s with 204 and no word', async (origin) => {
    const { token, key: leaked } = await organizationWithKey();
    const answer = await sendReport(service, [entry(leaked.value)], { key, origin });
    expect([answer.status, answer.body]).toEqual([204, {}]);
    expect(await eventsOf(token, leaked.id)).toMatchObject([
      {},
      { details: { origin } },
      { action: 'api_key.revoked' },
    ]);
  });

  test('keeps nothing of a token: in no table, no log, no webhook', async () => {
    const { acme, token, key: leaked } = await organizationWithKey();
    const { value } = leaked;
    const encoded = [...value].map((each) => `%${each.charCodeAt(0).toString(16)}`).join('');
    const urls = [
      `https://user:${value}@example.com/a`,
      `https://example.com/a?key=${value}`,
      `https://example.com/#${encoded}`,
      `https://${value}.example.com/`,
      `javascript:${value}`,
      'x'.repeat(8_000),
    ];
    await report(...urls.map((url) => entry(value, { url, source: value })), entry(value, { type: value }));
    await deliver(service);
    const tables = await service.db.raw<{ rows: { name: string }[] }>(
      `select table_name as name from information_schema.tables where table_schema = 'public' and table_type = 'BASE TABLE'`,
    );
    const found: string[] = [];
    for (const { name } of tables.rows) {
      const { rows } = await service.db.raw<{ rows: { text: string }[] }>(`select t::text as text from ?? as t`, [
        name,
      ]);
      if (rows.some(({ text }) => text.toLowerCase().includes(value.toLowerCase()))) found.push(name);
    }
    expect(found).toEqual([]);
    expect(service.logs.filter((line) => line.includes(value))).toEqual([]);
    expect(crm.takenOf(acme.id).filter(({ text }) => text.toLowerCase().includes(value.toLowerCase()))).toEqual([]);
    const urlsKept = (await eventsOf(token, leaked.id)).map(
      (event) => (event as { details: { url?: string } }).details.url,
    );
    expect(urlsKept.filter((url) => url !== undefined)).toEqual([
      'https://example.com/a',
      'https://example.com/',
      null,
      'https://github.com/acme/tasks/blob/0a1b2c/.env',
    ]);
  });

  test('asks for the same report again while WorkOS alone could know a token, and has revoked the others', async () => {
    const { key: leaked } = await organizationWithKey();
    takeWorkosDown(service);
    try {
      const answer = await report(entry('sk_unknown_here_0123456789abcdef'), entry(leaked.value));
      expect(outcome(answer)).toEqual([503, 'workos_unavailable']);
      expect(answer.headers.get('retry-after')).toBe('30');
    } finally {
      service.workos.faults.clear();
    }
    expect(await isValid(leaked.value)).toBe(false);
  });

  test('counts reports by origin and outcome, and tokens by what became of them', async () => {
    const read = async (line: string) => {
      const text = await (await fetch(`${service.url}/metrics`)).text();
      return Number(
        text
          .split('\n')
          .find((each) => each.startsWith(`${line} `))
          ?.split(' ')[1] ?? 0,
      );
    };
    const lines = [
      'latchkey_leak_reports_total{origin="gitlab",outcome="taken"}',
      'latchkey_leak_reports_total{origin="gitlab",outcome="refused"}',
      'latchkey_leak_reports_total{origin="none",outcome="refused"}',
      'latchkey_leaked_tokens_total{origin="gitlab",outcome="unknown"}',
      'latchkey_leaked_tokens_total{origin="gitlab",outcome="unreadable"}',
    ];
    const before = await Promise.all(lines.map(read));
    await sendReport(service, [entry('nothing'), {}, 1], { key, origin: 'gitlab' });
    await sendReport(service, [], { key, origin: 'gitlab' });
    await call(service, 'POST', '/v1/hooks/leaks', { body: [] });
    const after: number[] = await Promise.all(lines.map(read));
    expect(after.map((count, i) => count - before[i]!)).toEqual([1, 1, 1, 1, 2]);
  });
});

describe('POST /v1/hooks/leaks without an origin that is on', () => {
  test('does not exist', async () => {
    const off = await startService();
    const answer: Answer = await sendReport(off, [entry('x')], { key });
    expect(outcome(answer)).toEqual([404, 'route_not_found']);
  });
});
