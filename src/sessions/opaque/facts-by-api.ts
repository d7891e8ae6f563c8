import type { WorkosGateway } from '../../workos/gateway.ts';
import type { Facts, OpaqueSession } from './token-repository.ts';

/** As long as WorkOS's access tokens are good. */
const FACTS_MS = 5 * 60_000;

type Deps = { workos: Pick<WorkosGateway, 'findMember' | 'findRole'> };
export type FactsByApi = ReturnType<typeof makeFactsByApi>;

/** Reads role and permissions of a session's person with the API key. @returns undefined for one who is no member */
export function makeFactsByApi({ workos }: Deps) {
  return async function factsByApi(
    { organizationId, userId }: Pick<OpaqueSession, 'organizationId' | 'userId'>,
    now: Date,
  ): Promise<Facts | undefined> {
    const member = await workos.findMember(organizationId, userId);
    if (!member?.active) return undefined;
    const roles = await Promise.all(member.roles.map((slug) => workos.findRole(organizationId, slug)));
    return {
      organizationId,
      role: member.roles[0],
      scopes: [...new Set(roles.flatMap((role) => role?.permissions ?? []))],
      issuedAt: now,
      factsUntil: new Date(now.getTime() + FACTS_MS),
    };
  };
}
