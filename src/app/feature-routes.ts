import { makeAuditRepository } from '../audit/audit-repository.ts';
import { auditRoutes } from '../audit/audit-routes.ts';
import { makeDescribeUser } from '../auth/describe-user.ts';
import { sessionRoutes } from '../sessions/session-routes.ts';
import { makeBillingOf } from '../tenants/billing-of.ts';
import { makeIncomingWebhooks } from './incoming-webhooks.ts';
import { makeKeyRoutes } from './api-keys/api-keys.ts';
import { makeResolverParts } from './api-keys/resolver.ts';
import { makeVerificationParts } from './api-keys/verification.ts';
import type { Route } from '../http/route.ts';
import { leaseRoutes } from '../limits/leases/lease-routes.ts';
import { permissionRoutes } from '../permissions/permission-routes.ts';
import { forwardAuthRoutes } from '../verification/forward-auth-routes.ts';
import { invalidationRoutes } from '../invalidation/invalidation-routes.ts';
import { verifyRoutes } from '../verification/verify-routes.ts';
import type { Platform } from './platform.ts';

/** Makes the parts that judge keys. */
export function makeVerification(platform: Platform) {
  const parts = makeResolverParts(platform);
  return { ...parts, ...parts.resolver, ...makeVerificationParts({ ...platform, ...parts }) };
}

export type Verification = ReturnType<typeof makeVerification>;

/** The routes of every feature; health and operations have theirs in health.ts and http.ts. */
export function makeFeatureRoutes(platform: Platform, verification: Verification): Route[] {
  const { db, workos } = platform;
  return [
    ...makeKeyRoutes(platform),
    ...permissionRoutes(platform),
    ...sessionRoutes({ describeUser: makeDescribeUser(workos), billingOf: makeBillingOf(platform) }),
    ...platform.billingRoutes(),
    ...platform.addressRoutes(),
    ...platform.sessionRoutes(verification.failures),
    ...verifyRoutes(verification),
    ...leaseRoutes(platform.limiter),
    ...invalidationRoutes(platform),
    ...forwardAuthRoutes({ findKey: verification.findPresentedKey, decide: verification.decide }),
    ...platform.usage.routes,
    ...makeIncomingWebhooks(platform).routes(),
    ...auditRoutes({ auditEvents: makeAuditRepository(db) }),
  ];
}
