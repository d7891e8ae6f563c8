import { WorkOS } from '@workos-inc/node';
import cookieParser from 'cookie-parser';
import express from 'express';

const { WORKOS_API_KEY, WORKOS_CLIENT_ID, WORKOS_COOKIE_PASSWORD, WORKOS_API_URL, LATCHKEY_URL } = process.env;
const port = Number(process.env.PORT ?? 3002);
const redirectUri = `http://127.0.0.1:${port}/callback`;
const COOKIE = { path: '/', httpOnly: true, sameSite: 'lax', secure: false };

const api = WORKOS_API_URL ? new URL(WORKOS_API_URL) : undefined;
const workos = new WorkOS(WORKOS_API_KEY, {
  clientId: WORKOS_CLIENT_ID,
  ...(api && { apiHostname: api.hostname, port: Number(api.port), https: api.protocol === 'https:' }),
});

const app = express();
app.use(cookieParser());

app.get('/login', (_request, response) => {
  const url = workos.userManagement.getAuthorizationUrl({
    provider: 'authkit',
    redirectUri,
    clientId: WORKOS_CLIENT_ID,
  });
  response.redirect(url);
});

app.get('/callback', async (request, response) => {
  const { code } = request.query;
  if (typeof code !== 'string') return response.status(400).send('No code provided');
  const { sealedSession } = await workos.userManagement.authenticateWithCode({
    clientId: WORKOS_CLIENT_ID,
    code,
    session: { sealSession: true, cookiePassword: WORKOS_COOKIE_PASSWORD },
  });
  response.cookie('wos-session', sealedSession, COOKIE);
  return response.redirect('/');
});

app.get('/', withAuth, async (request, response) => {
  const answer = await fetch(new URL('/v1/me/session', LATCHKEY_URL), {
    headers: { authorization: `Bearer ${request.session.accessToken}` },
    signal: AbortSignal.timeout(5_000),
  });
  response.json({ email: request.session.user.email, latchkey: await answer.json() });
});

app.get('/logout', async (request, response) => {
  const session = workos.userManagement.loadSealedSession({
    sessionData: request.cookies['wos-session'],
    cookiePassword: WORKOS_COOKIE_PASSWORD,
  });
  const url = await session.getLogoutUrl();
  response.clearCookie('wos-session', COOKIE);
  response.redirect(url);
});

async function withAuth(request, response, next) {
  const session = workos.userManagement.loadSealedSession({
    sessionData: request.cookies['wos-session'],
    cookiePassword: WORKOS_COOKIE_PASSWORD,
  });
  const known = await session.authenticate();
  if (known.authenticated) {
    request.session = known;
    return next();
  }
  if (!request.cookies['wos-session']) return response.redirect('/login');
  const renewed = await session.refresh();
  if (!renewed.authenticated) return response.clearCookie('wos-session', COOKIE).redirect('/login');
  response.cookie('wos-session', renewed.sealedSession, COOKIE);
  return response.redirect(request.originalUrl);
}

app.listen(port, '127.0.0.1', () => process.stdout.write(`Express app on http://127.0.0.1:${port}\n`));
