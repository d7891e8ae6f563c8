import { randomBytes } from 'node:crypto';
import { expect } from 'vitest';
import { demoProductOf } from '../../src/embedded/demo-product.ts';
import { DEMO, demoSeedOf } from '../../src/emulator/demo.ts';
import type { Seed } from '../../src/emulator/seed.ts';
import { readProduct } from '../../src/product/read-product.ts';
import { call, outcome } from '../support/api.ts';
import type { Answer, CreatedKey } from '../support/api.ts';
import { SERVICE_TOKEN, startService } from '../support/service.ts';
import type { Service } from '../support/service.ts';

export type Role = 'owner' | 'operator' | 'member';
export type World = Awaited<ReturnType<typeof startWorld>>;
export type Company = Awaited<ReturnType<World['company']>>;
export type Made = CreatedKey & Readonly<Record<string, unknown>>;

const SESSION_SECONDS = 300;
const DAY_MS = 24 * 60 * 60 * 1_000;
const ROLES: readonly Role[] = ['owner', 'operator', 'member'];

type Options = {
  env?: Readonly<Record<string, string>>;
  /** Whether people have passwords; hashing them is slow. */
  passwords?: boolean;
};

/** Starts Latchkey with the configuration of one of the five, and a local WorkOS with the permissions of its demo. */
export async function startWorld(slug: string, { env = {}, passwords = false }: Options = {}) {
  const file = new URL(`../../examples/systems/${slug}.yaml`, import.meta.url).pathname;
  const demo = demoSeedOf(demoProductOf(readProduct(file)));
  const seed: Seed = { ...demo, organizations: [], people: [], memberships: [], machineClients: [] };
  const service = await startService({ LATCHKEY_CONFIG: file, ...env }, { seed });
  const permissionsOf = (role: Role) => demo.roles?.find((one) => one.slug === role)?.permissions ?? [];

  /** Creates a customer of the product, with a person for each role and the posture `active`. */
  async function company() {
    const name = randomBytes(6).toString('hex');
    const id = `org_${name}`;
    const userId = (role: Role) => `user_${name}_${role}`;
    const email = (role: Role) => `${role}@${name}.test`;
    service.workos.seed({
      organizations: [{ id, name }],
      people: ROLES.map((role) => ({
        id: userId(role),
        email: email(role),
        ...(passwords && { password: DEMO.password }),
      })),
      memberships: ROLES.map((role) => ({ userId: userId(role), organizationId: id, role })),
    });
    await bill(service, id, { status: 'active' });
    // As an event of WorkOS brings it.
    await service.db('tenants').where({ organization_id: id }).update({ name });
    const session = (role: Role = 'owner', claims: object = {}) =>
      signSession(service, { organizationId: id, name, role, permissions: permissionsOf(role), claims });
    const ask = async (method: string, path: string, body?: unknown, role: Role = 'owner') =>
      call(service, method, path, { token: await session(role), ...(body !== undefined && { body }) });
    return {
      id,
      name,
      userId,
      email,
      session,
      ask,
      /** Creates a key as a person of the role. */
      async key(body: object, role: Role = 'owner'): Promise<Made> {
        const answer = await ask('POST', '/v1/api-keys', { label: 'a key', ...body }, role);
        expect(outcome(answer)).toEqual([201, undefined]);
        return answer.body as unknown as Made;
      },
      /** Returns a key as the API shows it. */
      async shown(id: string, role: Role = 'owner') {
        return (await ask('GET', `/v1/api-keys/${id}`, undefined, role)).body;
      },
    };
  }

  return {
    service,
    company,
    /** Returns the verdict on a presented key. */
    verify: async (key: string, more: object = {}) =>
      (await call(service, 'POST', '/v1/api-keys/verify', { token: SERVICE_TOKEN, body: { key, ...more } })).body,
    /** Sends a request to Latchkey's own API with only the given headers. */
    send: (method: string, path: string, headers: Record<string, string> = {}, body?: unknown): Promise<Answer> =>
      call(service, method, path, { headers, ...(body !== undefined && { body }) }),
    passDays: (days: number) => service.clock.advance(days * DAY_MS),
    bill: (organizationId: string, body: object) => bill(service, organizationId, body),
  };
}

async function bill(service: Service, organizationId: string, body: object): Promise<void> {
  const answer = await call(service, 'PUT', `/v1/organizations/${organizationId}/billing`, {
    token: SERVICE_TOKEN,
    body,
  });
  expect(outcome(answer)).toEqual([200, undefined]);
}

type SessionOf = { organizationId: string; name: string; role: Role; permissions: readonly string[]; claims: object };

function signSession({ workos, clock }: Service, { organizationId, name, role, permissions, claims }: SessionOf) {
  const issuedAt = Math.floor(clock().getTime() / 1_000);
  return workos.signSessionToken({
    iss: workos.sessionIssuer(),
    client_id: workos.clientId,
    sub: `user_${name}_${role}`,
    sid: `session_${name}_${role}`,
    org_id: organizationId,
    role,
    permissions,
    iat: issuedAt,
    exp: issuedAt + SESSION_SECONDS,
    ...claims,
  });
}
