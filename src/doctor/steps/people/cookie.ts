import { MAX_COOKIE_BYTES } from '../../../sessions/session-cookie-size.ts';
import { COPES } from '../../finding.ts';
import { organizationId } from '../../keys.ts';
import { person, signedIn } from '../../people.ts';
import { judgeRoles } from '../../role-sizes.ts';
import type { World } from '../../world.ts';

const USUAL = ['wos_session', 'wos-session'];

/** Checks the size of a session that the SDK sealed, also for each role, and that Latchkey reads it from each cookie. */
export async function cookie(world: World): Promise<void> {
  const { accessToken } = signedIn(world);
  const { email, password } = person(world);
  const sealed = await world.judge.sealedSignIn({ email, password, organizationId: organizationId(world) });
  world.secrets.add(sealed);
  const bytes = Buffer.byteLength(sealed);
  world.note(`A sealed session has ${bytes} bytes.`);
  if (bytes > MAX_COOKIE_BYTES)
    world.differs({
      name: 'cookie-too-large',
      breaks: true,
      assumes: `that a sealed session fits a cookie of ${MAX_COOKIE_BYTES} bytes`,
      seen: `${bytes} bytes`,
      todo: 'Give roles fewer permissions, keep metadata of users small, split the cookie in the application, or send the access token instead.',
    });
  else await judgeRoles(world, { bytes, accessToken });
  const own = world.target.cookieName;
  for (const name of new Set([...USUAL, ...(own === undefined ? [] : [own])]))
    if (world.judge.readCookie(`${name}=${sealed}`) !== sealed) unread(world, `the cookie ${name} is not read`);
  if ((await world.judge.unseal(sealed)) === undefined) unread(world, 'a session that the SDK sealed is not unsealed');
  await ofApplication(world);
}

async function ofApplication(world: World): Promise<void> {
  const { cookie: header } = world.options;
  if (header === undefined)
    return world.note(
      'Set LATCHKEY_DOCTOR_COOKIE to the Cookie header of a browser to check the cookie of your application.',
    );
  world.secrets.add(
    header,
    ...header
      .split(/[;=]/)
      .map((part) => part.trim())
      .filter((part) => part.length > 40),
  );
  const names = header.split(';').map((pair) => pair.split('=')[0]!.trim());
  const sealed = world.judge.readCookie(header);
  const isRead = sealed !== undefined && (await world.judge.unseal(sealed)) !== undefined;
  if (names.some((name) => /\.\d$/.test(name)))
    world.differs({
      name: 'cookie-split',
      breaks: !isRead,
      assumes: 'one cookie',
      seen: names.join(', '),
      todo: COPES,
    });
  if (isRead && names.some((name) => name === 'wos_session' || name.startsWith('wos_session.'))) return;
  world.differs({
    name: 'cookie-name',
    breaks: !isRead,
    assumes: `a cookie named ${[world.target.cookieName, ...USUAL].filter(Boolean).join(' or ')}, sealed with WORKOS_COOKIE_PASSWORD`,
    seen: `${names.join(', ')}${isRead ? '' : ', without a readable session'}`,
    todo: isRead ? COPES : 'Set WORKOS_COOKIE_NAME and WORKOS_COOKIE_PASSWORD to those of the application.',
  });
}

function unread(world: World, seen: string): void {
  world.differs({
    name: 'cookie-unread',
    breaks: true,
    assumes: 'that it reads what the SDK seals',
    seen,
    todo: 'Report this: console sessions in cookies are refused.',
  });
}
