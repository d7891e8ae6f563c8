import type { Logger } from 'pino';
import { makeSessionCookies } from '../auth/session-cookie.ts';
import { systemClock } from '../clock.ts';
import type { Config } from '../config/config.ts';
import { makeKeyFormat } from '../api-keys/format/key-format.ts';
import { makeCatalogue } from '../permissions/catalogue.ts';
import type { Product } from '../product/product.ts';
import { makeMetrics } from '../telemetry/metrics.ts';
import { makeSdkGateway } from '../workos/sdk-gateway.ts';
import { makeSealedSignIn } from '../workos/sealed-sign-in.ts';
import { makeVerifyWebhook } from '../workos/events/webhook-signature.ts';
import { tokenVerifier } from './api-keys/sessions.ts';

/** Makes the service's own readers with its configuration, so that the doctor accepts exactly what the service accepts. */
export function makeJudge({ config, product, log }: { config: Config; product: Product; log: Logger }) {
  const { workos } = config;
  const verify = tokenVerifier({ config, catalogue: makeCatalogue(product), clock: systemClock, log });
  const gateway = makeSdkGateway({ ...workos, workosCalls: makeMetrics().workosCalls });
  const cookies = makeSessionCookies(workos.cookieName);
  const format = makeKeyFormat(product.api_keys);
  return {
    verifyToken: async (token: string) => {
      const caller = await verify(token);
      return { kind: caller.kind, organizationId: caller.organizationId, scopes: caller.scopes.size };
    },
    readCookie: (header: string) => cookies.read(header),
    unseal: async (sealed: string) => (await gateway.unsealSession(sealed))?.accessToken,
    sealedSignIn: makeSealedSignIn(workos),
    verifyWebhook: (secret: string) => makeVerifyWebhook(secret, workos),
    recognises: (workosSecret: string) => {
      const handedOut = format.handOut(workosSecret, 'live');
      const begins = format.prefixes.some((prefix) => handedOut.startsWith(prefix));
      return begins && format.secretOf(handedOut) !== undefined;
    },
  };
}
