import { describe, expect, test } from 'vitest';
import { call, createKey } from '../../support/api.ts';
import { someSecret } from '../../support/audit.ts';
import { restartWith } from '../../support/restart.ts';
import { startService } from '../../support/service.ts';
import { PASSWORD, addPerson, login } from './sign-in.ts';

const sessions = { password_sign_in: true };
const secret = someSecret();
const env = { TRUST_PROXY: '1', LATCHKEY_SIGN_INS_PER_MINUTE: '200' };
const service = await startService(
  { ...env, LATCHKEY_SECRET: secret },
  { product: { sessions, api_keys: { prefixes: ['sk_'], owners: ['organization', 'user'] } } },
);

type At = { url: string };

/** Somebody tries one password with an address. */
const guess = (at: At, ip: string, email: string, organization_id?: string) =>
  call(at, 'POST', '/v1/auth/login', {
    headers: { 'x-forwarded-for': ip },
    body: { email, password: 'a guess', ...(organization_id !== undefined && { organization_id }) },
  });

/** Strangers name the organization, each with an address that they make up. */
async function flood(at: At, organizationId: string): Promise<void> {
  for (let i = 0; i < 25; i++) await guess(at, `198.51.100.${i}`, `${i}@made-up.test`, organizationId);
}

const eventsOf = (organizationId: string) =>
  service.db('audit_events').where({ organization_id: organizationId }).orderBy('sequence');

describe('POST /v1/auth/login', () => {
  test('records a guess at a user who signed in on another replica, or before a restart, despite a flood', async () => {
    const { email, userId, organizations } = await addPerson(service);
    const organizationId = organizations[0]!;
    expect((await login(service, { email, password: PASSWORD })).status).toBe(200);
    const secrets = { LATCHKEY_SECRET: someSecret(), LATCHKEY_PREVIOUS_SECRETS: secret };
    const restarted = await restartWith(service, { ...env, ...secrets }, { sessions });
    for (const at of [await service.replica(), restarted]) {
      const before = (await eventsOf(organizationId)).length;
      await flood(at, organizationId);
      await guess(at, '203.0.113.5', email.toUpperCase(), organizationId);
      const added = (await eventsOf(organizationId)).slice(before);
      expect(added.filter(({ details }) => details.user_id === userId)).toMatchObject([
        { action: 'session.refused', ip: '203.0.113.5', details: { reason: 'credential_invalid' } },
      ]);
    }
  });

  test('records a guess at a member with a personal key who never signed in here, despite a flood', async () => {
    const acme = await service.organizations.add();
    const own = ['apikeys:write:own', 'workspace:read'];
    await createKey(service, await acme.session('member', { permissions: own }), { owner: 'user' });
    await service.background.runOnce('members');
    await flood(service, acme.id);
    await guess(service, '203.0.113.5', `member@${acme.name}.test`);
    expect((await eventsOf(acme.id)).filter(({ ip }) => ip === '203.0.113.5')).toMatchObject([
      { action: 'session.refused', details: { reason: 'credential_invalid', user_id: acme.userId('member') } },
    ]);
  });
});

describe('the sweep_sessions loop', () => {
  test('deletes an account without a sign-in for long', async () => {
    const { email, userId } = await addPerson(service);
    await login(service, { email, password: PASSWORD });
    const known = () => service.db('known_accounts').where({ user_id: userId });
    expect(await known()).toHaveLength(1);
    await known().update({ noted_at: new Date(0) });
    await service.background.runOnce('sweep_sessions');
    expect(await known()).toEqual([]);
  });
});
