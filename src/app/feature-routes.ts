import { reviewRoutes } from '../access-reviews/review-routes.ts';
import { makeAuditRepository } from '../audit/audit-repository.ts';
import { auditRoutes } from '../audit/audit-routes.ts';
import { makeExportEvents } from '../audit/csv/export-events.ts';
import { makeDescribeUser } from '../auth/describe-user.ts';
import { sessionRoutes } from '../sessions/session-routes.ts';
import type { SignIn } from '../sessions/sign-in/sign-in.ts';
import { makeBillingOf } from '../tenants/billing-of.ts';
import { makeIncomingWebhooks } from './incoming-webhooks.ts';
import { makeLeakRoutes } from './leaks.ts';
import { makeTaskRoutes } from './tasks/tasks.ts';
import { makeDeliveryRoutes } from './webhook-deliveries.ts';
import { makeKeyRoutes } from './api-keys/api-keys.ts';
import { makeReviews } from './api-keys/reviews.ts';
import { makeRepeatable } from './api-keys/repeatable.ts';
import { isKnown } from './api-keys/sessions.ts';
import { makeResolverParts } from './api-keys/resolver.ts';
import { makeVerificationParts } from './api-keys/verification.ts';
import type { Route } from '../http/route.ts';
import { leaseRoutes } from '../limits/leases/lease-routes.ts';
import { permissionRoutes } from '../permissions/permission-routes.ts';
import { MAX_GRACE_SECONDS } from '../api-keys/key-schemas.ts';
import { metaRoute } from '../product/meta-route.ts';
import { productRoute } from '../product/product-route.ts';
import { makeAdmitPerson } from '../verification/forward/admit-person.ts';
import { forwardAuthRoutes } from '../verification/forward/forward-auth-routes.ts';
import { invalidationRoutes } from '../invalidation/invalidation-routes.ts';
import { VERSION } from '../config/version.ts';
import { verifyRoutes } from '../verification/verify-routes.ts';
import { makeAdmitStaff } from '../staff/admit-staff.ts';
import type { Platform } from './platform.ts';

/** Makes the parts that judge keys. */
export function makeVerification(platform: Platform) {
  const parts = makeResolverParts(platform);
  return { ...parts, ...parts.resolver, ...makeVerificationParts({ ...platform, ...parts }) };
}

export type Verification = ReturnType<typeof makeVerification>;

/** The routes of every feature; health and operations have theirs in health.ts and http.ts. */
export function makeFeatureRoutes(platform: Platform, verification: Verification, signIn: SignIn): Route[] {
  const { db, workos, names } = platform;
  const { idempotencyWindowMs } = platform.config;
  const runOnce = makeRepeatable(platform);
  const auditEvents = makeAuditRepository(db);
  const admitStaff = staffAdmission(platform);
  return [
    ...makeKeyRoutes({ ...platform, runOnce, admitStaff }),
    ...platform.ci.routes({ failures: verification.failures, runOnce }),
    ...makeDeliveryRoutes({ ...platform, runOnce }),
    ...permissionRoutes(platform),
    ...sessionRoutes({
      describeUser: makeDescribeUser(workos, names),
      billingOf: makeBillingOf(platform),
      hasLoginNames: platform.product.sessions.login_names !== undefined,
    }),
    ...platform.billingRoutes(),
    productRoute({
      ...platform,
      idempotencyWindowMs,
      maxGraceSeconds: MAX_GRACE_SECONDS,
      ciFacts: platform.ci.facts,
    }),
    metaRoute({ ...platform.config, keys: platform.product.api_keys, version: VERSION }),
    ...platform.addressRoutes(admitStaff),
    ...platform.sessionRoutes(signIn),
    ...verifyRoutes(verification),
    ...leaseRoutes(platform.limiter),
    ...makeTaskRoutes(platform),
    ...invalidationRoutes(platform),
    ...forwardAuthRoutes({
      findKey: verification.findPresentedKey,
      decide: verification.decide,
      admitPerson: makeAdmitPerson({
        assertBilling: (organizationId, operation) => platform.gate.assertMay(organizationId, 'keys', operation),
        impersonatedMay: new Set(platform.product.sessions.impersonated_may),
      }),
    }),
    ...platform.usage.routes,
    ...reviewRoutes({ ...platform, ...makeReviews(platform), nameOf: names.nameOf }),
    ...makeIncomingWebhooks(platform).routes(),
    ...makeLeakRoutes({ ...platform, resolveKey: verification.resolveKey }),
    ...auditRoutes({ auditEvents, exportEvents: makeExportEvents({ auditEvents }), nameOf: names.nameOf }),
  ];
}

function staffAdmission({ tenants, gate, budgets, catalogue }: Platform) {
  return makeAdmitStaff({
    isOrganizationKnown: isKnown({ tenants }),
    assertBilling: (organizationId, billing) => gate.assertMay(organizationId, 'api', billing),
    takeStaffRequest: budgets.takeStaffRequest,
    permissionSets: catalogue.staffSets,
  });
}
