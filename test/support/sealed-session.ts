import { WorkOS } from '@workos-inc/node';
import { COOKIE_PASSWORD } from './service.ts';

const USER = {
  object: 'user',
  id: 'user_x',
  email: 'x@x.test',
  email_verified: true,
  metadata: {},
  created_at: '2026-01-01T00:00:00.000Z',
  updated_at: '2026-01-01T00:00:00.000Z',
};

/** Returns the value of a `wos_session` cookie, sealed by WorkOS's SDK as an application does. */
export async function sealSession(accessToken: string, cookiePassword = COOKIE_PASSWORD): Promise<string> {
  const answer = { user: USER, access_token: accessToken, refresh_token: 'a refresh token' };
  const workos = new WorkOS({
    apiKey: 'sk_x',
    clientId: 'client_x',
    fetchFn: () => Promise.resolve(Response.json(answer)),
  });
  const { sealedSession } = await workos.userManagement.authenticateWithPassword({
    clientId: 'client_x',
    email: 'x@x.test',
    password: 'x',
    session: { sealSession: true, cookiePassword },
  });
  if (sealedSession === undefined) throw new Error('the SDK sealed nothing');
  return sealedSession;
}
