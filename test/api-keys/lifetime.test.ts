import { describe, expect, test } from 'vitest';
import { call, createKey, outcome, requestKey } from '../support/api.ts';
import type { Answer } from '../support/api.ts';
import { startService } from '../support/service.ts';
import { keysAtWorkos } from '../support/workos-keys.ts';

const DAY_MS = 86_400_000;
const plans = [{ name: 'short', key_limit: 10, max_expiry_days: 30 }];
const service = await startService(
  {},
  { plans, product: { api_keys: { prefixes: ['sk_'], expiry: { default: '90d', longest: '1y' } } } },
);
const endless = await startService();

type Started = typeof service;
const inDays = (days: number, on = service) => new Date(on.clock().getTime() + days * DAY_MS).toISOString();
const fieldsOf = ({ body }: Answer) => Object.keys(body.error.details?.['fields'] as object);

async function organization(on: Started, plan?: string) {
  const acme = await on.organizations.add({ status: 'active', ...(plan !== undefined && { plan }) });
  return { acme, token: await acme.session() };
}

describe('POST /v1/api-keys with expires_in', () => {
  test.each([
    ['nothing said', {}, 90],
    ['30d', { expires_in: '30d' }, 30],
    ['2w', { expires_in: '2w' }, 14],
    ['3m', { expires_in: '3m' }, 90],
    ['1y', { expires_in: '1y' }, 365],
    ['the longest as a time', { expires_at: inDays(365) }, 365],
  ])('with %s', async (_what, body, days) => {
    const { acme, token } = await organization(service);
    const answer = await requestKey(service, token, body);
    expect(outcome(answer)).toEqual([201, undefined]);
    const seconds = (Date.parse(String(answer.body['expires_at'])) - service.clock().getTime()) / 1_000;
    expect(Math.abs(seconds - days * 86_400)).toBeLessThan(60);
    expect(answer.body['expires_in_days']).toBe(days);
    expect((await keysAtWorkos(service, acme.id))[0]?.expires_at).toBe(answer.body['expires_at']);
  });

  test.each([
    ['366d', { expires_in: '366d' }, 'expires_in'],
    ['never', { expires_in: 'never' }, 'expires_in'],
    ['null', { expires_at: null }, 'expires_at'],
    ['a time that is too late', { expires_at: inDays(366) }, 'expires_at'],
    ['both', { expires_in: '30d', expires_at: inDays(30) }, 'expires_in'],
    ['both, one of them null', { expires_in: '30d', expires_at: null }, 'expires_in'],
    ['0d', { expires_in: '0d' }, 'expires_in'],
    ['-1d', { expires_in: '-1d' }, 'expires_in'],
    ['30', { expires_in: '30' }, 'expires_in'],
    ['a number', { expires_in: 30 }, 'expires_in'],
    ['11y', { expires_in: '11y' }, 'expires_in'],
    ['hours', { expires_in: '5h' }, 'expires_in'],
    ['rubbish', { expires_in: '9'.repeat(10_000) }, 'expires_in'],
  ])('with %s is refused by its field', async (_what, body, field) => {
    const { acme, token } = await organization(service);
    const refused = await requestKey(service, token, body);
    expect([outcome(refused), fieldsOf(refused)]).toEqual([[400, 'validation_error'], [field]]);
    expect(await keysAtWorkos(service, acme.id)).toEqual([]);
  });

  test("applies the shorter of the configuration's and the plan's lifetimes", async () => {
    const { token } = await organization(service, 'short');
    expect((await requestKey(service, token)).body['expires_in_days']).toBe(30);
    expect(fieldsOf(await requestKey(service, token, { expires_in: '31d' }))).toEqual(['expires_in']);
    expect((await requestKey(service, token, { expires_in: '7d' })).body['expires_in_days']).toBe(7);
    const { body } = await call(service, 'GET', '/v1/organization', { token });
    expect(body['limits']).toMatchObject({ max_expiry_days: 30 });
  });

  test('creates a key without expiry where nothing bounds it', async () => {
    const { token } = await organization(endless);
    for (const body of [{}, { expires_in: 'never' }, { expires_at: null }])
      expect((await requestKey(endless, token, body)).body).toMatchObject({ expires_at: null, expires_in_days: null });
  });
});

describe('GET /v1/api-keys', () => {
  test('lists the keys that expire before a time, with the days left', async () => {
    const { acme, token } = await organization(endless);
    for (const body of [
      { label: 'never' },
      { label: 'late', expires_in: '90d' },
      { label: 'soon', expires_in: '7d' },
      { label: 'over', expires_in: '1d' },
    ])
      await createKey(endless, token, body);
    endless.clock.advance(1.5 * DAY_MS);
    const later = await acme.session();
    const list = async (query: string) =>
      (await call(endless, 'GET', `/v1/api-keys?${query}`, { token: later })).body.data.map((key) => [
        key['label'],
        key['status'],
        key['expires_in_days'],
      ]);
    const before = inDays(30, endless);
    expect(await list(`expires_before=${before}`)).toEqual([
      ['over', 'expired', 0],
      ['soon', 'active', 6],
    ]);
    expect(await list(`expires_before=${before}&status=active`)).toEqual([['soon', 'active', 6]]);
    expect(await list('status=expired')).toEqual([['over', 'expired', 0]]);
    const refused = await call(endless, 'GET', '/v1/api-keys?expires_before=soon', { token: later });
    expect(fieldsOf(refused)).toEqual(['expires_before']);
  });
});
