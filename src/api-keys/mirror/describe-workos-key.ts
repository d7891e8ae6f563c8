import type { Catalogue } from '../../permissions/catalogue.ts';
import type { WorkosKey } from '../../workos/entities.ts';
import type { Key } from '../key.ts';

export type DescribeWorkosKey = ReturnType<typeof makeDescribeWorkosKey>;

const MAX_LABEL = 100;
const MAX_PREFIX = 64;
const DEFAULT_LABEL = 'API key';
// Configured scopes follow a stricter grammar. Permissions at WorkOS can be any text, and the database takes no NUL.
const SCOPE = /^[\x21-\x7e]{1,128}$/;
const CONTROL = /[\p{Cc}\p{Zl}\p{Zp}]+/gu;

/**
 * Describes keys that were created at WorkOS: the name becomes the label, permissions become scopes without the
 * `never_granted` ones, and a set with exactly these scopes becomes the permission set. Where keys follow their sets and
 * scopes can be chosen as well, the scopes do not say which it was: the key gets no set and keeps its scopes.
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

    label: (name: string): string => cut(name.replaceAll(CONTROL, ' ').trim(), MAX_LABEL) || DEFAULT_LABEL,

    prefix: ({ obfuscatedValue }: WorkosKey): Key['prefix'] => cut(obfuscatedValue.replaceAll(CONTROL, ''), MAX_PREFIX),
  };
}

function nameOfScopes(scopes: readonly string[]): string {
  return [...new Set(scopes)].sort().join(' ');
}

function cut(text: string, characters: number): string {
  return [...text.toWellFormed()].slice(0, characters).join('').trim();
}
