import { credentialInvalid } from './credentials.ts';

/** What WorkOS's own libraries call it: the SDK's examples, and AuthKit's for web frameworks. */
const USUAL_NAMES = ['wos_session', 'wos-session'];
/** More parts than the longest sealed session needs. */
const MAX_PARTS = 8;
const PART = /^\.(\d)$/;

export type SessionCookies = ReturnType<typeof makeSessionCookies>;

/**
 * Reads sealed AuthKit sessions from the `Cookie` header, whole or in parts (`name.0`, `name.1`, …) as applications
 * send those that browsers would drop.
 * @param ownName what the application calls its cookie; it goes before the usual names, one of which may be left over
 */
export function makeSessionCookies(ownName: string | undefined) {
  const names = [...new Set([...(ownName === undefined ? [] : [ownName]), ...USUAL_NAMES])];

  return {
    /**
     * The sealed session, if there is one.
     * @throws AppError `credential_invalid` for two that differ, or one that cannot be decoded
     */
    read(header: string | undefined): string | undefined {
      if (!mayCarry(header)) return undefined;
      const pairs = header.split(';').map((pair) => pair.trim());
      const own = ownName === undefined ? undefined : readNamed(pairs, ownName);
      const found = own ?? theOne(USUAL_NAMES.map((name) => readNamed(pairs, name)));
      return found === undefined ? undefined : decode(found);
    },

    /** Whether there may be one; a quick look, which may say yes in vain. */
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

/** Parts go before a whole one, which an application may have left behind when the session grew. */
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

/** Of cookies without a value there is none. */
function theOne(values: readonly (string | undefined)[]): string | undefined {
  const [value, ...others] = new Set(values.filter((one) => one !== undefined && one !== ''));
  if (others.length > 0) throw twoCookies();
  return value;
}

function twoCookies() {
  return credentialInvalid('There are two different session cookies.');
}

function decode(value: string): string {
  try {
    return decodeURIComponent(value);
  } catch (error) {
    throw credentialInvalid('The session cookie cannot be read.', error);
  }
}
