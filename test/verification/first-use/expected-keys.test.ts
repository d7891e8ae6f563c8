import { beforeEach, describe, expect, test } from 'vitest';
import { call } from '../../support/api.ts';
import { makeDashboardKey } from '../../support/at-workos.ts';
import { SERVICE_TOKEN, startService } from '../../support/service.ts';
import { workosRequests } from '../../support/workos-keys.ts';

const service = await startService({
  WORKOS_UNEXPECTED_KEYS_PER_MINUTE: '2',
  LATCHKEY_FAILED_CREDENTIALS_PER_MINUTE: '0',
});
const { db } = service;

// Each test has an address of its own.
let address = 0;
beforeEach(() => void address++);

async function codeOf(key: string, ip = `192.0.2.${address}`): Promise<unknown> {
  const { status, body } = await call(service, 'POST', '/v1/api-keys/verify', {
    token: SERVICE_TOKEN,
    body: { key, ip },
  });
  return status === 200 ? body['code'] : body.error.code;
}
const questions = () => workosRequests(service, 'POST', '/api_keys/validations');
const guess = (end: string) => `sk_a_guess_that_looks_like_a_key_${end}`;
const hearOfIt = () => service.background.runOnce('events');

async function spendAllowance(): Promise<void> {
  for (const end of ['AAAA', 'BBBB', 'CCCC']) await codeOf(guess(`${address}${end}`));
}

describe('POST /v1/api-keys/verify of expected keys', () => {
  test('bounds questions to WorkOS about keys that match no row', async () => {
    const before = questions();
    await spendAllowance();
    expect(questions() - before).toBe(2);
    const metrics = await (await fetch(`${service.url}/metrics`)).text();
    expect(metrics).toContain('latchkey_budget_total{budget="unexpected_keys",outcome="taken"} 2');
    expect(metrics).toContain('latchkey_budget_total{budget="unexpected_keys",outcome="refused"} 1');
  });

  test('accepts a key at once that an event has announced, even from a guessing address', async () => {
    const acme = await service.organizations.add();
    const key = await makeDashboardKey(service, acme.id);
    await spendAllowance();
    expect(await codeOf(key.value)).toBe('workos_unavailable');
    await hearOfIt();
    expect(await codeOf(key.value)).toBe('valid');
  });

  test('accepts a key without an event from an address that does not guess', async () => {
    const acme = await service.organizations.add();
    const key = await makeDashboardKey(service, acme.id);
    expect(await codeOf(key.value)).toBe('valid');
  });

  test('matches a key by the beginning and the end that its row shows', async () => {
    const acme = await service.organizations.add();
    const key = await makeDashboardKey(service, acme.id);
    await hearOfIt();
    await db('api_keys')
      .where({ workos_id: key.id })
      .update({ prefix: `sk_test_...${key.value.slice(-4)}` });
    await spendAllowance();
    const before = questions();
    for (const guessed of [guess(key.value.slice(-4)), `sk_test_guess_of_a_key_${key.value.slice(-3)}x`]) {
      await codeOf(guessed);
    }
    expect(questions() - before).toBe(0);
    await codeOf(`sk_test_guess_of_a_key_${key.value.slice(-4)}`);
    expect(questions() - before).toBe(1);
  });

  test('does not expect a key with a known secret, nor a revoked one', async () => {
    const acme = await service.organizations.add();
    const [used, revoked] = [await makeDashboardKey(service, acme.id), await makeDashboardKey(service, acme.id)];
    await hearOfIt();
    expect(await codeOf(used.value)).toBe('valid');
    await call(service, 'DELETE', `/v1/api-keys/${revoked.id}`, { token: await acme.session() });
    await spendAllowance();
    const before = questions();
    await codeOf(guess(used.value.slice(-4)));
    await codeOf(guess(revoked.value.slice(-4)));
    expect(questions() - before).toBe(0);
  });

  test('queries the mirror if more keys are expected than memory holds', async () => {
    const acme = await service.organizations.add();
    const key = await makeDashboardKey(service, acme.id);
    await hearOfIt();
    const row = await db('api_keys').where({ workos_id: key.id }).first();
    const more = Array.from({ length: 1_100 }, (_, i) => ({
      ...row,
      id: `row_${i}`,
      workos_id: `api_key_${i}`,
      prefix: `sk_...${String(i).padStart(4, '0')}`,
    }));
    await db.batchInsert('api_keys', more, 200);
    // Tells of a change, as the event of each would have.
    const other = await makeDashboardKey(service, acme.id);
    await hearOfIt();
    await spendAllowance();
    expect(await codeOf(key.value)).toBe('valid');
    expect(await codeOf(other.value)).toBe('valid');
    const before = questions();
    await codeOf(guess('zzzz'));
    expect(questions() - before).toBe(0);
    await codeOf(guess('1077'));
    expect(questions() - before).toBe(1);
  });
});
