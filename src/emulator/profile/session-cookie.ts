import type { Switches } from './switches.ts';

type Cookie = { name: string; value: string };

/** Returns the cookies in which an AuthKit application keeps a sealed session, by the profile. */
export function sessionCookies(
  sealed: string,
  { cookie_name: name, cookie_part_bytes: size }: Pick<Switches, 'cookie_name' | 'cookie_part_bytes'>,
): Cookie[] {
  const value = encodeURIComponent(sealed);
  if (size === null || value.length <= size) return [{ name, value }];
  const parts = Math.ceil(value.length / size);
  return Array.from({ length: parts }, (_, i) => ({
    name: `${name}.${i}`,
    value: value.slice(i * size, (i + 1) * size),
  }));
}

/** Returns the `Cookie` header of a request with these cookies. */
export const cookieHeader = (cookies: readonly Cookie[]): string =>
  cookies.map(({ name, value }) => `${name}=${value}`).join('; ');
