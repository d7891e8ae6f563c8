import { randomBytes } from 'node:crypto';
import type { Knex } from 'knex';
import type { Emulator } from '../../src/emulator/emulator.ts';
import type { TestClock } from './clock.ts';

type Deps = { db: Knex; workos: Emulator; clock: TestClock };
type Billing = { status: 'active' | 'trial' | 'past_due' | 'decommissioning'; trialEndsAt?: Date; plan?: string };

export type Role = 'owner' | 'operator' | 'member';
export type Organizations = ReturnType<typeof makeOrganizations>;
export type Organization = Awaited<ReturnType<Organizations['add']>>;

const ROLE_PERMISSIONS: Record<Role, string[]> = {
  owner: ['apikeys:read', 'apikeys:write', 'audit:read', 'billing:write', 'members:write', 'workspace:read'],
  operator: ['apikeys:read', 'apikeys:write', 'audit:read', 'workspace:read'],
  member: ['workspace:read', 'workspace:write:own', 'tasks:write:own'],
};

/** Creates organizations, one per test, so that the tests of a file share only the service. */
export function makeOrganizations({ db, workos, clock }: Deps) {
  const issuedAt = () => Math.floor(clock().getTime() / 1_000);

  return {
    /** Creates an organization at WorkOS with a person per role, and its billing unless `billing` is null. */
    async add(billing: Billing | null = { status: 'active' }) {
      const name = randomBytes(6).toString('hex');
      const id = `org_${name}`;
      seed(workos, id, name);
      if (billing) await insertTenant(db, id, billing);
      const userId = (role: Role) => `user_${name}_${role}`;
      return {
        id,
        name,
        userId,
        machineClientId: `client_ci_${name}`,
        /** Returns a person's access token. */
        session: (role: Role = 'owner', claims: object = {}) =>
          workos.signSessionToken({
            iss: workos.sessionIssuer(),
            client_id: workos.clientId,
            sub: userId(role),
            sid: `session_${name}`,
            org_id: id,
            role,
            permissions: ROLE_PERMISSIONS[role],
            iat: issuedAt(),
            exp: issuedAt() + 300,
            ...claims,
          }),
        /** Returns a machine token. */
        machineToken: (scope = 'apikeys:write', claims: object = {}) =>
          workos.signMachineToken({
            iss: workos.url,
            aud: workos.clientId,
            sub: `client_ci_${name}`,
            client_id: `client_ci_${name}`,
            org_id: id,
            scope,
            iat: issuedAt(),
            exp: issuedAt() + 3_600,
            ...claims,
          }),
      };
    },
  };
}

function seed(workos: Emulator, id: string, name: string): void {
  const roles: Role[] = ['owner', 'operator', 'member'];
  const userId = (role: Role) => `user_${name}_${role}`;
  workos.seed({
    organizations: [{ id, name }],
    people: roles.map((role) => ({ id: userId(role), email: `${role}@${name}.test` })),
    memberships: roles.map((role) => ({ userId: userId(role), organizationId: id, role })),
  });
}

async function insertTenant(db: Knex, id: string, { status, trialEndsAt, plan }: Billing): Promise<void> {
  const now = new Date();
  await db('tenants').insert({
    organization_id: id,
    billing_status: status,
    trial_ends_at: trialEndsAt ?? null,
    plan: plan ?? null,
    created_at: now,
    updated_at: now,
  });
}
