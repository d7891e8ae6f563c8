import { WorkOS } from '@workos-inc/node';

type Options = { apiKey: string; clientId: string; apiUrl: string; cookiePassword: string; timeoutMs: number };
type Credentials = { email: string; password: string; organizationId: string };

const SELECTION_REQUIRED = 'organization_selection_required';

/**
 * Signs in as an application with the SDK does, and returns the session sealed with the cookie's password.
 * @throws the SDK's error when WorkOS rejects the sign-in
 */
export function makeSealedSignIn({ apiKey, clientId, apiUrl, cookiePassword, timeoutMs }: Options) {
  const { hostname, port, protocol } = new URL(apiUrl);
  const { userManagement } = new WorkOS({
    apiKey,
    clientId,
    apiHostname: hostname,
    https: protocol === 'https:',
    ...(port !== '' && { port: Number(port) }),
    timeout: timeoutMs,
    maxRetries: 0,
  });
  const session = { sealSession: true, cookiePassword };

  return async ({ email, password, organizationId }: Credentials): Promise<string> => {
    try {
      const { sealedSession } = await userManagement.authenticateWithPassword({ clientId, email, password, session });
      return sealedSession ?? '';
    } catch (error) {
      const pendingAuthenticationToken = pendingTokenOf(error);
      if (pendingAuthenticationToken === undefined) throw error;
      const choice = { clientId, pendingAuthenticationToken, organizationId, session };
      const { sealedSession } = await userManagement.authenticateWithOrganizationSelection(choice);
      return sealedSession ?? '';
    }
  };
}

function pendingTokenOf(error: unknown): string | undefined {
  if (typeof error !== 'object' || error === null || !('code' in error) || error.code !== SELECTION_REQUIRED)
    return undefined;
  return 'pendingAuthenticationToken' in error ? String(error.pendingAuthenticationToken) : undefined;
}
