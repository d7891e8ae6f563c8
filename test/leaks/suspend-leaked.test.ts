import { describe, expect, test } from 'vitest';
import { readProduct } from '../../src/product/read-product.ts';
import { WEBHOOK_BODIES } from '../../src/webhooks/webhook.ts';
import { call, createKey, outcome, verifyKey } from '../support/api.ts';
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
  env: { LATCHKEY_LEAK_ORIGINS: 'github', LATCHKEY_LEAK_KEYS_GITHUB: list.url },
  product: {
    api_keys: { prefixes: ['sk_'], owners: ['organization', 'user'] },
    permission_sets: sets.map((set) => ({ ...set, leak_response: 'suspend' as const })),
  },
});

const OK = [200, undefined];
const BY = { kind: 'system', id: 'leaks:github' };
const report = (...tokens: unknown[]) => sendReport(service, tokens, { key });
const elsewhere = (value: string, n = 1) => entry(value, { url: `https://pastes.example/${n}` });
const codeOf = async (value: string) => (await verifyKey(service, { key: value })).body['code'];

async function leakable(body: object = {}) {
  const acme = await service.organizations.add();
  const token = await acme.session('owner');
  const made = await createKey(service, token, body);
  const post = async (verb: 'suspend' | 'resume', as = token) =>
    outcome(await call(service, 'POST', `/v1/api-keys/${made.id}/${verb}`, { token: as }));
  return { acme, token, key: made, post };
}

async function actionsOf(token: string, id: string): Promise<unknown[]> {
  const { body } = await call(service, 'GET', `/v1/audit-events?target_id=${id}&limit=100`, { token });
  return body.data.toReversed().map(({ action, details }) => {
    const { response } = details as { response?: string };
    return response === undefined ? action : `${String(action)} ${response}`;
  });
}

describe('POST /v1/hooks/leaks for a set with leak_response suspend', () => {
  test('suspends the key at once, leaves it at WorkOS, and records why', async () => {
    const { acme, token, key: leaked } = await leakable();
    expect(await codeOf(leaked.value)).toBe('valid');
    expect((await report(entry(leaked.value))).body).toMatchObject([{ label: 'true_positive' }]);
    expect(await codeOf(leaked.value)).toBe('suspended');
    expect(await keysAtWorkos(service, acme.id)).toHaveLength(1);
    const shown = await call(service, 'GET', `/v1/api-keys/${leaked.id}`, { token });
    expect(shown.body).toMatchObject({ status: 'suspended', suspended_by: BY, suspension_reason: 'leaked' });
    expect(await actionsOf(token, leaked.id)).toEqual([
      'api_key.created',
      'api_key.leaked suspended',
      'api_key.suspended',
    ]);
  });

  test('sends api_key.leaked, then api_key.suspended', async () => {
    const { acme, key: leaked } = await leakable();
    await report(entry(leaked.value));
    await deliver(service);
    const sent = crm.takenOf(acme.id).map(({ body }) => body);
    expect(sent.map(({ type }) => type)).toEqual(['api_key.created', 'api_key.leaked', 'api_key.suspended']);
    expect(WEBHOOK_BODIES['api_key.leaked'].strict().parse(sent[1])).toEqual(sent[1]);
    expect(sent[1]!.data).toMatchObject({ details: { response: 'suspended' } });
    expect(sent[2]!.data).toMatchObject({ actor: BY, details: { reason: 'leaked' } });
  });

  test('suspends in every billing posture', async () => {
    const { acme, key: leaked } = await leakable();
    await service.db('tenants').where({ organization_id: acme.id }).update({ billing_status: 'past_due' });
    await report(entry(leaked.value));
    expect(await service.db('api_keys').where({ workos_id: leaked.id }).pluck('suspension_reason')).toEqual(['leaked']);
  });

  test('leaves a key that a person resumed to them, whatever is sent again, until another place is reported', async () => {
    const { token, key: leaked, post } = await leakable();
    await report(entry(leaked.value));
    expect(await post('resume')).toEqual(OK);
    for (let i = 0; i < 3; i++) await report(entry(leaked.value), entry(leaked.value));
    expect(await codeOf(leaked.value)).toBe('valid');
    await report(elsewhere(leaked.value));
    expect(await codeOf(leaked.value)).toBe('suspended');
    expect(await actionsOf(token, leaked.id)).toEqual([
      'api_key.created',
      'api_key.leaked suspended',
      'api_key.suspended',
      'api_key.resumed',
      'api_key.leaked suspended',
      'api_key.suspended',
    ]);
  });

  test('suspends once, however many reports and places name the key at the same time', async () => {
    const { token, key: leaked } = await leakable();
    const places = Array.from({ length: 60 }, (_, n) => elsewhere(leaked.value, n));
    const answers = await Promise.all([report(...places), report(...places), report(...places)]);
    expect(answers.map(({ status }) => status)).toEqual([200, 200, 200]);
    const events = await actionsOf(token, leaked.id);
    expect(events.filter((event) => event === 'api_key.suspended')).toHaveLength(1);
    expect(events.filter((event) => event === 'api_key.leaked suspended')).toHaveLength(1);
    expect(events.filter((event) => event === 'api_key.leaked already_suspended')).toHaveLength(19);
  });

  test("takes the owner's own suspension of a personal key over, which the owner then cannot end", async () => {
    const { acme, token, key: leaked, post } = await leakable({ owner: 'user' });
    const own = await acme.session('owner', { permissions: ['apikeys:write:own', 'workspace:read', 'audit:read'] });
    expect(await post('suspend', own)).toEqual(OK);
    await report(entry(leaked.value));
    expect(await post('resume', own)).toEqual([403, 'permission_denied']);
    expect(await codeOf(leaked.value)).toBe('suspended');
    expect(await post('resume', token)).toEqual(OK);
    expect(await codeOf(leaked.value)).toBe('valid');
  });

  test("keeps an administrator's suspension, and an end that came before", async () => {
    const suspended = await leakable();
    await suspended.post('suspend');
    const revoked = await leakable();
    await call(service, 'DELETE', `/v1/api-keys/${revoked.key.id}`, { token: revoked.token });
    const expired = await leakable({ expires_in: '1d' });
    service.clock.advance(2 * 86_400_000);
    await report(...[suspended, revoked, expired].map((each) => entry(each.key.value)));
    for (const [{ acme, key: leaked }, response] of [
      [suspended, 'already_suspended'],
      [revoked, 'already_revoked'],
      [expired, 'notified'],
    ] as const) {
      const actions = await actionsOf(await acme.session('owner'), leaked.id);
      expect(actions.at(-1)).toBe(`api_key.leaked ${response}`);
    }
  });

  test('suspends nothing for a report that a stranger signed', async () => {
    const { token, key: leaked } = await leakable();
    const stranger = { ...makeSigningKey('k1') };
    const refused = await sendReport(service, [entry(leaked.value)], { key: stranger });
    expect(outcome(refused)).toEqual([401, 'credential_invalid']);
    expect(await codeOf(leaked.value)).toBe('valid');
    expect(await actionsOf(token, leaked.id)).toEqual(['api_key.created']);
  });
});
