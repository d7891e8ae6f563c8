import { describe, expect, test } from 'vitest';
import { call, createKey, outcome, verifyKey } from '../support/api.ts';
import { startService } from '../support/service.ts';
import { keysAtWorkos } from '../support/workos-keys.ts';
import { createPolicy, exchange, jobToken } from './ci.ts';

const service = await startService();
const acme = await service.organizations.add();
const owner = await acme.session();
const policy = await createPolicy(service, owner, { max_active_keys: 100 });

async function exchanged() {
  const { body } = await exchange(service, { policy, token: await jobToken(service, acme) });
  const { id } = body['api_key'] as { id: string };
  return { id, value: String(body['access_token']), revokeToken: String(body['revoke_token']) };
}
const revoke = (revokeToken: string) => call(service, 'POST', '/v1/ci/revoke', { body: { revoke_token: revokeToken } });
const codeOf = async (key: string) => (await verifyKey(service, { key })).body['code'];
const auditOf = async (action: string, id: string) =>
  (await call(service, 'GET', `/v1/audit-events?action=${action}&target_id=${id}&limit=100`, { token: owner })).body
    .data;

describe('POST /v1/ci/revoke', () => {
  test('ends the key here and at WorkOS, and records api_key.revoked and ci.revoked', async () => {
    const { id, value, revokeToken } = await exchanged();
    expect(await codeOf(value)).toBe('valid');
    const answer = await revoke(revokeToken);
    expect([answer.status, answer.body]).toEqual([200, {}]);
    expect(await codeOf(value)).toBe('revoked');
    expect((await keysAtWorkos(service, acme.id)).map((key) => key.id)).not.toContain(id);
    const [revoked] = await auditOf('api_key.revoked', id);
    expect(revoked!['actor']).toEqual({ kind: 'ci', id: policy, name: null });
    expect((await auditOf('ci.revoked', policy))[0]!['details']).toEqual({ key_id: id });
  });

  test('returns 200 again for a key that has ended, and records nothing more', async () => {
    const { id, revokeToken } = await exchanged();
    for (let i = 0; i < 2; i++) expect(outcome(await revoke(revokeToken))).toEqual([200, undefined]);
    expect(await auditOf('api_key.revoked', id)).toHaveLength(1);
  });

  test('returns 200 and ends nothing for the key itself, and for tokens of others', async () => {
    const [first, second] = [await exchanged(), await exchanged()];
    const plain = await createKey(service, owner);
    const [head, row, mac] = first.revokeToken.split('.') as [string, string, string];
    const [, otherRow] = second.revokeToken.split('.');
    const other = await service.organizations.add();
    const tokens = [
      first.value,
      plain.value,
      first.id,
      'lkrv_',
      `${head}.${otherRow}.${mac}`,
      `lkrv_${other.id}.${row}.${mac}`,
      `${head}.${row}.${'A'.repeat(43)}`,
      `${head}.${row}.${mac.slice(0, -1)}`,
    ];
    for (const token of tokens) expect(outcome(await revoke(token))).toEqual([200, undefined]);
    for (const { value } of [first, second, plain]) expect(await codeOf(value)).toBe('valid');
  });

  test('works in a posture that creates nothing', async () => {
    const { value, revokeToken } = await exchanged();
    await service
      .db('tenants')
      .where({ organization_id: acme.id })
      .update({ billing_status: 'past_due', status_since: new Date(0) });
    expect(outcome(await revoke(revokeToken))).toEqual([200, undefined]);
    expect(await codeOf(value)).toBe('revoked');
    await service.db('tenants').where({ organization_id: acme.id }).update({ billing_status: 'active' });
  });

  test('frees the place of the key', async () => {
    const single = await createPolicy(service, owner, { name: 'single', max_active_keys: 1 });
    const send = async () => exchange(service, { policy: single, token: await jobToken(service, acme) });
    const { body } = await send();
    expect(outcome(await send())).toEqual([409, 'key_limit_reached']);
    await revoke(String(body['revoke_token']));
    expect(outcome(await send())).toEqual([200, undefined]);
  });

  test('refuses the key of a runner that died once it has expired', async () => {
    const { value } = await exchanged();
    service.clock.advance(3_601_000);
    expect(await codeOf(value)).toBe('expired');
  });
});
