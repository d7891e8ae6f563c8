import { makeAuthenticate } from '../../auth/authenticate.ts';
import type { makeServiceTokens } from '../../auth/service-tokens.ts';
import type { SessionCookies } from '../../auth/session-cookie.ts';
import type { KeyFormat } from '../../api-keys/format/key-format.ts';
import type { FailedCredentials } from '../../limits/guesses/failed-credentials.ts';
import { traced } from '../../telemetry/tracing.ts';
import type { Tracing } from '../../telemetry/tracing.ts';
import type { FindPresentedKey } from '../../verification/presented-key.ts';
import type { WorkosGateway } from '../../workos/gateway.ts';

type Authenticating = Parameters<typeof makeAuthenticate>[0];
type Deps = {
  format: KeyFormat;
  verifyToken: Authenticating['verifyToken'];
  workos: Pick<WorkosGateway, 'unsealSession'>;
  findServiceToken: ReturnType<typeof makeServiceTokens>;
  cookies: SessionCookies;
  ci: { findSession: Authenticating['findCiSession'] };
  findUserSession: Authenticating['findUserSession'];
  tracing: Tracing | undefined;
};
type Verification = { findPresentedKey: FindPresentedKey; failures: FailedCredentials };

/** Makes what resolves the caller of a request. */
export function makeCallers(
  { format, verifyToken, workos, findServiceToken, cookies, ci, findUserSession, tracing }: Deps,
  verification: Verification,
) {
  const authenticate = makeAuthenticate({
    isKey: format.recognizes,
    verifyToken,
    findServiceToken,
    findCiSession: ci.findSession,
    findUserSession,
    cookies,
    findApiKey: verification.findPresentedKey,
    failures: verification.failures,
    unsealSession: workos.unsealSession,
  });
  return traced(tracing, 'authenticate', authenticate, ({ kind }) => ({ 'latchkey.caller': kind }));
}
