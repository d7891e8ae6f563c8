import { WorkOS } from '@workos-inc/node';
import { z } from 'zod';
import type { Metrics } from '../telemetry/metrics.ts';
import { WorkosFailure } from './failure.ts';
import type { WorkosGateway } from './gateway.ts';
import { keepErrors, toFailure } from './read-answer.ts';

type Options = {
  apiKey: string;
  clientId: string;
  cookiePassword: string;
  apiUrl: string;
  timeoutMs: number;
  workosCalls: Metrics['workosCalls'];
};

const MAX_SEALED_BYTES = 16 * 1024;
const MAX_MEMBERSHIPS = 100;

// The SDK's own create drops `expires_at`, so the generic call is used and its answer checked here.
const CreatedKey = z.object({ id: z.string().min(1), value: z.string().min(1), obfuscated_value: z.string().min(1) });

/** The gateway over WorkOS's official SDK, without the SDK's hidden retries and with our deadline. */
export function makeSdkGateway({ workosCalls, cookiePassword, timeoutMs, ...options }: Options): WorkosGateway {
  const workos = makeClient(options, timeoutMs);

  const call = makeMeasured(workosCalls);

  return {
    createOrganizationKey: ({ organizationId, name, permissions, expiresAt }) =>
      call('create_key', async () => {
        const body = { name, permissions, ...(expiresAt && { expires_at: expiresAt.toISOString() }) };
        const { data } = await workos.post(`/organizations/${encodeURIComponent(organizationId)}/api_keys`, body);
        const { id, value, obfuscated_value } = CreatedKey.parse(data);
        return { id, value, obfuscatedValue: obfuscated_value };
      }),

    async deleteKey(workosId) {
      try {
        await call('delete_key', () => workos.delete(`/api_keys/${encodeURIComponent(workosId)}`));
      } catch (error) {
        if (!(error instanceof WorkosFailure && error.workosStatus === 404)) throw error;
      }
    },

    getUser: (userId) =>
      call('get_user', async () => {
        const { id, email } = await workos.userManagement.getUser(userId);
        return { id, email };
      }),

    listMemberships: (userId) =>
      call('list_memberships', async () => {
        const page = await workos.userManagement.listOrganizationMemberships({
          userId,
          statuses: ['active'],
          limit: MAX_MEMBERSHIPS,
        });
        return page.data.map(({ organizationId, organizationName, role }) => ({
          organizationId,
          organizationName,
          role: role.slug,
        }));
      }),

    async unsealSession(sealed) {
      if (Buffer.byteLength(sealed) > MAX_SEALED_BYTES) return undefined;
      const session = await workos.userManagement
        .getSessionFromCookie({ sessionData: sealed, cookiePassword })
        .catch(() => undefined);
      return session?.accessToken;
    },

    isReachable: () =>
      call('ping', () => workos.get(`/sso/jwks/${encodeURIComponent(options.clientId)}`)).then(
        () => true,
        () => false,
      ),
  };
}

function makeClient(
  { apiKey, clientId, apiUrl }: Pick<Options, 'apiKey' | 'clientId' | 'apiUrl'>,
  timeout: number,
): WorkOS {
  const { hostname, port, protocol } = new URL(apiUrl);
  return new WorkOS({
    apiKey,
    clientId,
    apiHostname: hostname,
    ...(port && { port: Number(port) }),
    https: protocol === 'https:',
    timeout,
    maxRetries: 0,
    fetchFn: keepErrors(fetch),
  });
}

/** Measures a call and turns whatever it throws into a `WorkosFailure`. */
function makeMeasured(workosCalls: Metrics['workosCalls']) {
  return async function measured<T>(operation: string, run: () => Promise<T>): Promise<T> {
    const stop = workosCalls.startTimer({ operation });
    try {
      const result = await run();
      stop({ outcome: 'ok' });
      return result;
    } catch (error) {
      const failure = toFailure(error);
      stop({ outcome: failure.code === 'workos_rejected' ? 'rejected' : 'unavailable' });
      throw failure;
    }
  };
}
