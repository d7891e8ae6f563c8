import { withAuth } from '@workos-inc/authkit-nextjs';

/** Asks Latchkey what this session may do; the access token is AuthKit's own. */
async function readLatchkeySession(accessToken) {
  const response = await fetch(new URL('/v1/me/session', process.env.LATCHKEY_URL), {
    headers: { authorization: `Bearer ${accessToken}` },
    cache: 'no-store',
    signal: AbortSignal.timeout(5_000),
  });
  return { status: response.status, body: await response.json() };
}

export default async function Home() {
  const { user, accessToken } = await withAuth({ ensureSignedIn: true });
  const session = await readLatchkeySession(accessToken);
  return (
    <main>
      <h1>Signed in as {user.email}</h1>
      <p>Latchkey answered {session.status}:</p>
      <pre>{JSON.stringify(session.body, undefined, 2)}</pre>
      <p>
        <a href="/sign-out">Sign out</a>
      </p>
    </main>
  );
}
