import { afterEach, describe, expect, test } from 'vitest';
import { makeRecordSecrets } from '../../src/idempotency/record-secrets.ts';
import { call, createKey, outcome } from '../support/api.ts';
import type { Answer } from '../support/api.ts';
import { startService } from '../support/service.ts';
import { failAt } from '../support/workos-faults.ts';
import { keysAtWorkos, workosRequests } from '../support/workos-keys.ts';

const LATCHKEY_SECRET = 'a secret of these tests, of 32 bytes or more';
const service = await startService({ WORKOS_TIMEOUT_MS: '5000', LATCHKEY_SECRET });

afterEach(() => service.workos.faults.clear());

const WANTED = { label: 'a key', permission_set: 'read_only' };
const create = (token: string, key: string, body: object = WANTED) =>
  call(service, 'POST', '/v1/api-keys', { token, headers: { 'idempotency-key': key }, body });
const rotate = (token: string, key: string, id: string, body: object = {}) =>
  call(service, 'POST', `/v1/api-keys/${id}/rotate`, { token, headers: { 'idempotency-key': key }, body });
const replayed = ({ headers }: Answer) => headers.get('idempotency-replayed');
const liveAt = async (organizationId: string) => (await keysAtWorkos(service, organizationId)).length;

describe('POST /v1/api-keys with an Idempotency-Key', () => {
  test('replays the answer with its secret, and creates no second key', async () => {
    const acme = await service.organizations.add();
    const first = await create(await acme.session(), 'again');
    const second = await create(await acme.session(), 'again');
    expect([first.status, second.status]).toEqual([201, 201]);
    expect([replayed(first), replayed(second)]).toEqual([null, 'true']);
    expect(second.body).toEqual(first.body);
    expect(second.body['value']).toMatch(/^sk_/);
    expect(await liveAt(acme.id)).toBe(1);
  });

  test('adds newer fields to an answer that an earlier version sealed', async () => {
    const acme = await service.organizations.add();
    const owner = await acme.session();
    const { body } = await create(owner, 'from before');
    const { environment: _environment, owner: _owner, ...known } = body;
    const place = () => service.db('idempotency_keys').where({ organization_id: acme.id });
    const { key_hash: keyHash } = await place().first('key_hash');
    const [{ sealing }] = makeRecordSecrets({ secret: LATCHKEY_SECRET, previousSecrets: [] });
    await place().update({ sealed: sealing.seal({ ...known, label: 'as it was' }, 'from before', keyHash) });
    const again = await create(owner, 'from before');
    expect(outcome(again)).toEqual([201, undefined]);
    expect(again.body).toEqual({ ...body, label: 'as it was' });
  });

  test('treats a body with its fields in another order as the same request', async () => {
    const acme = await service.organizations.add();
    const owner = await acme.session();
    await create(owner, 'order', { label: 'a', permission_set: 'read_only', metadata: { a: '1', b: '2' } });
    const again = await create(owner, 'order', {
      metadata: { b: '2', a: '1' },
      permission_set: 'read_only',
      label: 'a',
    });
    expect(outcome(again)).toEqual([201, undefined]);
    expect(replayed(again)).toBe('true');
  });

  test.each([
    ['another label', { ...WANTED, label: 'another' }],
    ['another permission set', { ...WANTED, permission_set: 'full_access' }],
    ['one field more', { ...WANTED, description: 'more' }],
  ])('returns 409 idempotency_key_reused for %s and creates nothing', async (_what, body) => {
    const acme = await service.organizations.add();
    const owner = await acme.session();
    await create(owner, 'reused');
    expect(outcome(await create(owner, 'reused', body))).toEqual([409, 'idempotency_key_reused']);
    expect(await liveAt(acme.id)).toBe(1);
    expect(replayed(await create(owner, 'reused'))).toBe('true');
  });

  test('waits for the answer of a request that is still running', async () => {
    const acme = await service.organizations.add();
    const owner = await acme.session();
    failAt(service, 'create', { kind: 'latency', ms: 700 });
    const first = create(owner, 'meanwhile');
    await expect.poll(() => workosRequests(service, 'POST', `/organizations/${acme.id}/api_keys`)).toBe(1);
    const second = await create(owner, 'meanwhile');
    expect(second.status).toBe(201);
    expect(replayed(second)).toBe('true');
    expect((await first).body).toEqual(second.body);
    expect(await liveAt(acme.id)).toBe(1);
  });

  test('returns 409 at once while another body runs under the same key', async () => {
    const acme = await service.organizations.add();
    const owner = await acme.session();
    failAt(service, 'create', { kind: 'latency', ms: 700 });
    const first = create(owner, 'meanwhile');
    await expect.poll(() => workosRequests(service, 'POST', `/organizations/${acme.id}/api_keys`)).toBe(1);
    const second = await create(owner, 'meanwhile', { ...WANTED, label: 'another' });
    expect(outcome(second)).toEqual([409, 'idempotency_key_reused']);
    expect((await first).status).toBe(201);
  });

  test('creates one key for 50 simultaneous requests, and gives all the same answer', async () => {
    const acme = await service.organizations.add();
    const owner = await acme.session();
    const answers = await Promise.all(Array.from({ length: 50 }, () => create(owner, 'fifty')));
    expect(new Set(answers.map((answer) => outcome(answer).join(' ').trim()))).toEqual(new Set(['201']));
    expect(new Set(answers.map(({ body }) => body['value'])).size).toBe(1);
    expect(answers.filter((answer) => replayed(answer) === null)).toHaveLength(1);
    expect(await liveAt(acme.id)).toBe(1);
    expect(workosRequests(service, 'POST', `/organizations/${acme.id}/api_keys`)).toBe(1);
  });

  test('does not store an outage: the retry creates the key, the only one after settling', async () => {
    const acme = await service.organizations.add();
    const owner = await acme.session();
    failAt(service, 'create', { kind: 'reset_after' });
    expect(outcome(await create(owner, 'retried'))).toEqual([503, 'workos_unavailable']);
    const retry = await create(owner, 'retried');
    expect(retry.status).toBe(201);
    expect(replayed(retry)).toBeNull();
    expect(await liveAt(acme.id)).toBe(2);
    await service.background.runOnce('settle');
    expect((await keysAtWorkos(service, acme.id)).map(({ id }) => id)).toEqual([retry.body['id']]);
    expect((await create(owner, 'retried')).body).toEqual(retry.body);
  });

  test('does not store a refusal: the request succeeds once its reason is gone', async () => {
    const acme = await service.organizations.add();
    const owner = await acme.session();
    const { id } = await createKey(service, owner);
    for (let i = 0; i < 9; i++) await createKey(service, owner);
    expect(outcome(await create(owner, 'full'))).toEqual([409, 'key_limit_reached']);
    await call(service, 'DELETE', `/v1/api-keys/${id}`, { token: owner });
    expect(outcome(await create(owner, 'full'))).toEqual([201, undefined]);
  });

  test('replays an answer for ten minutes, then accepts the key for any request', async () => {
    const acme = await service.organizations.add();
    const first = await create(await acme.session(), 'window');
    service.clock.advance(9 * 60_000);
    expect((await create(await acme.session(), 'window')).body).toEqual(first.body);
    service.clock.advance(60_000);
    const next = await create(await acme.session(), 'window', { ...WANTED, label: 'another' });
    expect(outcome(next)).toEqual([201, undefined]);
    expect(replayed(next)).toBeNull();
    expect((await create(await acme.session(), 'window', { ...WANTED, label: 'another' })).body).toEqual(next.body);
  });

  test.each([
    ['no characters', ''],
    ['spaces alone', '   '],
    ['256 characters', 'x'.repeat(256)],
    ['a tab inside', 'a\tb'],
    ['a character beyond ASCII', 'caf\u00e9'],
    ['a control character', 'a\u0080b'],
  ])('returns 400 for a key of %s', async (_what, key) => {
    const acme = await service.organizations.add();
    const answer = await create(await acme.session(), key);
    expect(outcome(answer)).toEqual([400, 'validation_error']);
    expect(answer.body.error.details).toEqual({ fields: { 'idempotency-key': expect.any(String) } });
    expect(await liveAt(acme.id)).toBe(0);
  });

  test.each([
    ['one character', 'x'],
    ['255 characters', '~'.repeat(255)],
    ['a space inside', 'a b'],
  ])('accepts a key of %s', async (_what, key) => {
    const acme = await service.organizations.add();
    const owner = await acme.session();
    const first = await create(owner, key);
    expect(first.status).toBe(201);
    expect((await create(owner, key)).body).toEqual(first.body);
  });

  test('applies a configured window', async () => {
    const brief = await startService({ LATCHKEY_IDEMPOTENCY_WINDOW_MS: '1000' });
    const acme = await brief.organizations.add();
    const send = async () =>
      call(brief, 'POST', '/v1/api-keys', {
        token: await acme.session(),
        headers: { 'idempotency-key': 'brief' },
        body: WANTED,
      });
    const first = await send();
    brief.clock.advance(1_000);
    expect((await send()).body['id']).not.toBe(first.body['id']);
  });
});

describe('POST /v1/api-keys/{id}/rotate with an Idempotency-Key', () => {
  test('replays the answer, and creates no second successor', async () => {
    const acme = await service.organizations.add();
    const owner = await acme.session();
    const key = await createKey(service, owner);
    const first = await rotate(owner, 'again', key.id);
    const second = await rotate(owner, 'again', key.id);
    expect([outcome(first), outcome(second)]).toEqual([
      [201, undefined],
      [201, undefined],
    ]);
    expect(second.body).toEqual(first.body);
    expect(replayed(second)).toBe('true');
    expect(await liveAt(acme.id)).toBe(2);
  });

  test('returns 409 idempotency_key_reused for another key or another grace', async () => {
    const acme = await service.organizations.add();
    const owner = await acme.session();
    const [a, b] = [await createKey(service, owner), await createKey(service, owner)];
    await rotate(owner, 'reused', a.id, { grace_seconds: 60 });
    expect(outcome(await rotate(owner, 'reused', b.id, { grace_seconds: 60 }))).toEqual([
      409,
      'idempotency_key_reused',
    ]);
    expect(outcome(await rotate(owner, 'reused', a.id, { grace_seconds: 61 }))).toEqual([
      409,
      'idempotency_key_reused',
    ]);
  });

  test('creates one successor for 50 simultaneous requests', async () => {
    const acme = await service.organizations.add();
    const owner = await acme.session();
    const key = await createKey(service, owner);
    const answers = await Promise.all(Array.from({ length: 50 }, () => rotate(owner, 'fifty', key.id)));
    expect(new Set(answers.map((answer) => outcome(answer).join(' ').trim()))).toEqual(new Set(['201']));
    expect(new Set(answers.map(({ body }) => body['id'])).size).toBe(1);
    expect(await liveAt(acme.id)).toBe(2);
  });
});

describe('Idempotency-Key', () => {
  test('separates callers, organizations and routes', async () => {
    const [acme, other] = [await service.organizations.add(), await service.organizations.add()];
    const answers = [
      await create(await acme.session('owner'), 'shared'),
      await create(await acme.session('operator'), 'shared'),
      await create(await acme.machineToken(), 'shared'),
      await create(await other.session('owner'), 'shared'),
    ];
    const first = String(answers[0]?.body['id']);
    answers.push(await rotate(await acme.session('owner'), 'shared', first));
    expect(answers.map(replayed)).toEqual([null, null, null, null, null]);
    expect(new Set(answers.map(({ body }) => body['value'])).size).toBe(5);
  });

  test('sweeps expired records and no others', async () => {
    const [acme, other] = [await service.organizations.add(), await service.organizations.add()];
    await create(await acme.session(), 'old');
    service.clock.advance(10 * 60_000);
    await create(await other.session(), 'new');
    await service.background.runOnce('sweep_idempotency_keys');
    const rows = await service
      .db('idempotency_keys')
      .whereIn('organization_id', [acme.id, other.id])
      .pluck('organization_id');
    expect(rows).toEqual([other.id]);
  });
});
