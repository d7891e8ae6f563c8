import { decodeJwt } from 'jose';
import { MAX_COOKIE_BYTES, sealedBytesOf } from '../sessions/session-cookie-size.ts';
import { describe, list, text } from './read.ts';
import type { World } from './world.ts';

type Measured = {
  /** The size of a sealed session that was measured. */
  bytes: number;
  accessToken: string;
};

const isText = (value: unknown): value is string => typeof value === 'string';

/** Estimates the size of a sealed session for each role of the environment from one that was measured. */
export async function judgeRoles(world: World, { bytes, accessToken }: Measured): Promise<void> {
  const answer = await world.call('GET', '/authorization/roles');
  if (answer.status !== 200) return world.note(`The list of roles was answered ${describe(answer)}.`);
  const { role, permissions } = decodeJwt(accessToken);
  const own = {
    role: isText(role) ? role : '',
    permissions: Array.isArray(permissions) ? permissions.filter(isText) : [],
  };
  const base = bytes - sealedBytesOf(own);
  const sizes = list(answer.body, 'data').map((raw) => {
    const granted = { role: text(raw, 'slug') ?? '', permissions: list(raw, 'permissions').filter(isText) };
    return { ...granted, bytes: base + sealedBytesOf(granted) };
  });
  const largest = sizes.toSorted((left, right) => right.bytes - left.bytes)[0];
  if (largest) world.note(`The largest role, ${largest.role}, makes it about ${largest.bytes} bytes.`);
  const tooLarge = sizes.filter((size) => size.bytes > MAX_COOKIE_BYTES);
  if (tooLarge.length === 0) return;
  world.differs({
    name: 'role-too-large',
    breaks: true,
    assumes: `that a session of any role fits a cookie of ${MAX_COOKIE_BYTES} bytes`,
    seen: tooLarge
      .map((size) => `${size.role}: ${size.permissions.length} permissions, about ${size.bytes} bytes`)
      .join('; '),
    todo: 'Give these roles fewer permissions, split the cookie in the application, or send the access token instead.',
  });
}
