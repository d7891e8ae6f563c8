import { apiKeyRoutes } from './api-keys/api-key-routes.ts';
import { createApiKeyStore } from './api-keys/api-key-store.ts';
import { organizationApiKeyRoutes } from './api-keys/organization-api-key-routes.ts';
import { userApiKeyRoutes } from './api-keys/user-api-key-routes.ts';
import { auditExportRoutes } from './audit/audit-exports.ts';
import { auditRoutes } from './audit/audit-routes.ts';
import { ciRoutes } from './ci/ci-routes.ts';
import type { CiName } from './ci/ci-routes.ts';
import type { Clock } from './clock.ts';
import type { EventLog } from './events/event-log.ts';
import { eventRoutes } from './events/event-routes.ts';
import { deviceRoutes } from './device/device-routes.ts';
import { applicationRoutes } from './machines/application-routes.ts';
import { discoveryRoutes } from './machines/discovery-routes.ts';
import { machineTokenRoutes } from './machines/machine-token-routes.ts';
import { organizationRoutes } from './organizations/organization-routes.ts';
import { createOrganizationStore } from './organizations/organization-store.ts';
import type { Route } from './http/route.ts';
import { emailVerificationRoutes } from './people/email-verification.ts';
import { invitationRoutes } from './people/invitation-routes.ts';
import { membershipRoutes } from './people/membership-routes.ts';
import { userRoutes } from './people/user-routes.ts';
import { organizationRoleRoutes } from './permissions/organization-role-routes.ts';
import { permissionRoutes } from './permissions/permission-routes.ts';
import { roleRoutes } from './permissions/role-routes.ts';
import { impersonationRoute } from './sessions/impersonations.ts';
import { authenticateRoutes } from './sessions/authenticate-routes.ts';
import { authorizeRoutes } from './sessions/authorize-routes.ts';
import { createOneTimeCodes } from './sessions/one-time-codes.ts';
import { sessionRoutes } from './sessions/session-routes.ts';
import { createSessionStore } from './sessions/session-store.ts';
import type { Switches } from './profile/switches.ts';
import type { Store } from './state/store.ts';
import type { SigningKey } from './tokens/signing-keys.ts';
import type { Ids } from './ulid.ts';
import { webhookRoutes } from './webhooks/webhook-routes.ts';

export type Parts = {
  store: Store;
  ids: Ids;
  clock: Clock;
  events: EventLog;
  switches: Switches;
  sessionKey: SigningKey;
  machineKey: SigningKey;
  keyOfClient: (clientId: string) => Promise<SigningKey>;
  keyOfCi: (name: CiName) => Promise<SigningKey>;
  apiKey: string;
  clientId: string;
  url: () => string;
};

/** Returns every route of WorkOS that the emulator serves. */
export function assembleRoutes(parts: Parts): Route[] {
  const organizations = createOrganizationStore(parts);
  const apiKeys = createApiKeyStore(parts);
  const sessions = createSessionStore(parts);
  const codes = createOneTimeCodes(parts.store, parts.clock);
  const deps = { ...parts, organizations, apiKeys, sessions, codes };
  return [
    ...apiKeyRoutes(deps),
    ...organizationApiKeyRoutes(deps),
    ...organizationRoutes(deps),
    ...userApiKeyRoutes(deps),
    ...userRoutes(deps),
    ...emailVerificationRoutes(deps),
    ...invitationRoutes(deps),
    ...membershipRoutes(deps),
    ...sessionRoutes(sessions),
    ...authorizeRoutes(deps),
    ...authenticateRoutes(deps),
    impersonationRoute(deps),
    ...deviceRoutes(deps),
    ...permissionRoutes(deps),
    ...roleRoutes(deps),
    ...organizationRoleRoutes(deps),
    ...auditRoutes(deps),
    ...auditExportRoutes(deps),
    ...eventRoutes(parts.events),
    ...webhookRoutes(deps),
    ...machineTokenRoutes(deps),
    ...applicationRoutes(deps),
    ...discoveryRoutes(parts.url),
    ...ciRoutes(parts),
  ];
}
