import { describe, expect, it } from 'vitest';
import { MAX_COOKIE_BYTES, sessionCookieBytes } from '../../src/sessions/session-cookie-size.ts';
import { readProduct } from '../../src/product/read-product.ts';
import { makeSealedSignIn } from '../../src/workos/sealed-sign-in.ts';
import { createKey } from '../support/api.ts';
import { atWorkos } from '../support/at-workos.ts';
import { COOKIE_PASSWORD, startService } from '../support/service.ts';

const PASSWORD = 'a password of the tests';
const service = await startService(
  {},
  { product: { api_keys: { prefixes: ['sk_'], owners: ['organization', 'user'] } } },
);
const { workos, background } = service;
const permissionsOf = (count: number) => Array.from({ length: count }, (_, i) => `documents:write:kind-${i}`);
const warnings = (role: string) =>
  service.logs.filter(
    (line) => line.includes('session cookie too large for role') && line.includes(`"role":"${role}"`),
  );

const change = (slug: string, count: number) =>
  atWorkos(service, 'PUT', `/authorization/roles/${slug}/permissions`, { permissions: permissionsOf(count) });

/** How often a service with so many more scopes warns at its start. */
const starts = async (count: number) => {
  const { scopes } = readProduct(new URL('../../config/evershell.yaml', import.meta.url));
  const more = permissionsOf(count).map((name) => ({ name, description: 'One of many.' }));
  const other = await startService(
    {},
    { product: { scopes: [...scopes, ...(count > 0 ? [{ group: 'Documents', scopes: more }] : [])] } },
  );
  for (let i = 0; i < 2; i++) await other.background.runOnce('configuration');
  return other.logs.filter((line) => line.includes('session cookie too large for a role with every scope')).length;
};

/** Returns the size of the session that the SDK seals for a user with this role. */
async function sealedBytes(role: string): Promise<number> {
  const { id: organizationId, name } = await service.organizations.add();
  const email = `${role}@${name}.test`;
  const person = { id: `user_${name}_sealed`, email, password: PASSWORD, firstName: 'Ada', lastName: 'Lovelace' };
  workos.seed({ people: [person], memberships: [{ userId: person.id, organizationId, role }] });
  const { apiKey, clientId, url: apiUrl } = workos;
  const options = { apiKey, clientId, apiUrl, cookiePassword: COOKIE_PASSWORD, timeoutMs: 5_000 };
  return Buffer.byteLength(await makeSealedSignIn(options)({ email, password: PASSWORD, organizationId }));
}

describe('the size of a session cookie', () => {
  it.each([0, 10, 30, 100])('is estimated within a tenth for a role of %i permissions', async (count) => {
    const role = `role-${count}`;
    const permissions = permissionsOf(count);
    workos.seed({ roles: [{ slug: role, name: role, permissions }] });
    const [estimated, sealed] = [sessionCookieBytes({ role, permissions }), await sealedBytes(role)];
    expect(Math.abs(estimated - sealed) / sealed).toBeLessThan(0.1);
    expect(estimated > MAX_COOKIE_BYTES).toBe(sealed > MAX_COOKIE_BYTES);
  });
});

describe('a role that does not fit', () => {
  it('is warned of once at its event, and again after it has fitted', async () => {
    const slug = 'grows';
    workos.seed({
      permissions: permissionsOf(120).map((permission) => ({ slug: permission, name: permission })),
      roles: [{ slug, name: slug, permissions: permissionsOf(1) }],
    });
    for (const [count, wanted] of [
      [5, 0],
      [100, 1],
      [110, 1],
      [5, 1],
      [100, 2],
    ] as const) {
      await change(slug, count);
      await background.runOnce('events');
      expect([count, warnings(slug).length]).toEqual([count, wanted]);
    }
    expect(JSON.parse(warnings(slug)[0]!)).toMatchObject({
      level: 'warn',
      permissions: 100,
      cookie_limit: 4_096,
      cookie_bytes: expect.any(Number),
    });
  });

  it('is warned of when WorkOS is asked about a member', async () => {
    const acme = await service.organizations.add();
    workos.seed({ roles: [{ slug: 'owner', name: 'owner', permissions: ['workspace:read', ...permissionsOf(100)] }] });
    await createKey(service, await acme.session(), { owner: 'user' });
    service.clock.advance(60_000);
    await background.runOnce('members');
    expect(warnings('owner')).toHaveLength(1);
  });
});

describe('a product whose scopes do not fit together', () => {
  it('is warned of once, at the start', async () => {
    expect([await starts(0), await starts(100)]).toEqual([0, 1]);
  });
});
