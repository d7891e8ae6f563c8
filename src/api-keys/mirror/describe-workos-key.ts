import type { Catalogue } from '../../permissions/catalogue.ts';
import type { WorkosKey } from '../../workos/entities.ts';
import type { Key } from '../key.ts';

export type DescribeWorkosKey = ReturnType<typeof makeDescribeWorkosKey>;

const MAX_LABEL = 100;
const MAX_PREFIX = 64;
const NAMELESS = 'API key';
// Our own scopes follow a stricter grammar; at WorkOS permissions may be what they like, and the database takes no NUL.
const SCOPE = /^[\x21-\x7e]{1,128}$/;
const CONTROL = /[\p{Cc}\p{Zl}\p{Zp}]+/gu;

/**
 * What the mirror says of a key that was made at WorkOS: its name as a label, its permissions as scopes but for what no
 * key ever holds, and the permission set that stands for exactly these scopes, if there is one. Where keys follow their
 * sets and scopes are chosen, too, nobody can tell which it was: then it is of no set, and keeps what it has.
 */
export function makeDescribeWorkosKey({
  sets,
  chosenScopes,
  followsSets,
  neverGranted,
}: Pick<Catalogue, 'sets' | 'chosenScopes' | 'followsSets' | 'neverGranted'>) {
  const named = followsSets && chosenScopes.length > 0 ? [] : sets;
  const setOf = new Map(named.map(({ name, scopes }): [string, string] => [nameOfScopes(scopes), name]));

  function permissionSetOf(scopes: readonly string[]): string | undefined {
    return setOf.get(nameOfScopes(scopes));
  }

  return {
    permissionSetOf,

    scopesOf(permissions: readonly string[]): string[] {
      return [...new Set(permissions)].filter((scope) => SCOPE.test(scope) && !neverGranted.has(scope));
    },

    label: (name: string): string => cut(name.replaceAll(CONTROL, ' ').trim(), MAX_LABEL) || NAMELESS,

    prefix: ({ obfuscatedValue }: WorkosKey): Key['prefix'] => cut(obfuscatedValue.replaceAll(CONTROL, ''), MAX_PREFIX),
  };
}

function nameOfScopes(scopes: readonly string[]): string {
  return [...new Set(scopes)].sort().join(' ');
}

function cut(text: string, characters: number): string {
  return [...text.toWellFormed()].slice(0, characters).join('').trim();
}
