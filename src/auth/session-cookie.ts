import { credentialInvalid } from './credentials.ts';

/** The cookie names of the SDK's examples, and of AuthKit's libraries for web frameworks. */
const USUAL_NAMES = ['wos_session', 'wos-session'];
/** More parts than the longest sealed session needs. */
const MAX_PARTS = 8;
const PART = /^\.(\d)$/;

export type SessionCookies = ReturnType<typeof makeSessionCookies>;

/**
 * Reads sealed AuthKit sessions from the `Cookie` header, whole or in parts (`name.0`, `name.1`, …) as applications
 * send those that browsers would drop.
 * @param ownName the application's name for the cookie; it precedes the usual names, which may be left over
 */
export function makeSessionCookies(ownName: string | undefined) {
  const names = [...new Set([...(ownName === undefined ? [] : [ownName]), ...USUAL_NAMES])];

  return {
    /**
     * Returns the sealed session, if there is one.
     * @throws AppError `credential_invalid` for two that differ, or one that cannot be decoded
     */
    read(header: string | undefined): string | undefined {
      if (!mayCarry(header)) return undefined;
      const pairs = header.split(';').map((pair) => pair.trim());
      const own = ownName === undefined ? undefined : readNamed(pairs, ownName);
      const found = own ?? theOne(USUAL_NAMES.map((name) => readNamed(pairs, name)));
      return found === undefined ? undefined : decode(found);
    },

    /** Whether a header may hold a session; fast, with false positives. */
    mayCarry,
  };

  function mayCarry(header: string | undefined): header is string {
    return header !== undefined && names.some((name) => header.includes(name));
  }
}

function readNamed(pairs: readonly string[], name: string): string | undefined {
  const values = pairs.filter((pair) => pair.startsWith(`${name}=`)).map((pair) => pair.slice(name.length + 1));
  return joinParts(pairs, name) ?? theOne(values);
}

/** Parts precede a whole cookie, which an application may leave behind when the session grows. */
function joinParts(pairs: readonly string[], name: string): string | undefined {
  const parts = new Map<number, string>();
  for (const pair of pairs) {
    const [cookie = ''] = pair.split('=', 1);
    const part = cookie.startsWith(name) ? PART.exec(cookie.slice(name.length))?.[1] : undefined;
    if (part === undefined) continue;
    const value = pair.slice(cookie.length + 1);
    if ((parts.get(Number(part)) ?? value) !== value) throw twoCookies();
    parts.set(Number(part), value);
  }
  let joined = parts.get(0);
  for (let i = 1; joined !== undefined && i < MAX_PARTS && parts.has(i); i++) joined += parts.get(i)!;
  return joined;
}

/** An empty cookie counts as none. */
function theOne(values: readonly (string | undefined)[]): string | undefined {
  const [value, ...others] = new Set(values.filter((one) => one !== undefined && one !== ''));
  if (others.length > 0) throw twoCookies();
  return value;
}

function twoCookies() {
  return credentialInvalid('The request has two different session cookies. Send one.');
}

function decode(value: string): string {
  try {
    return decodeURIComponent(value);
  } catch (error) {
    throw credentialInvalid('The session cookie is not percent-encoded correctly.', error);
  }
}
