import type { Catalogue } from '../../permissions/catalogue.ts';
import type { Mapping } from '../mapping.ts';

export type MappedScopes =
  | { permissionSet: string | undefined; scopes: readonly string[] }
  | { category: 'unmapped_scope' | 'never_granted'; reason: string };

type Rules = Pick<Catalogue, 'scopesOf' | 'chosenScopes' | 'neverGranted'> & {
  /** The set that has exactly these scopes. */
  permissionSetOf: (scopes: readonly string[]) => string | undefined;
};
type Targets = Pick<Mapping, 'permission_sets' | 'scopes' | 'default_permission_set'>;

/** Maps the scopes of another system: as a whole to a permission set, or one by one to scopes. */
export function makeMapScopes(rules: Rules, targets: Targets) {
  const sets = new Map(Object.entries(targets.permission_sets).map(([old, set]) => [nameOf(old.split(/\s+/)), set]));
  const ofSet = (permissionSet: string) => ({ permissionSet, scopes: rules.scopesOf(permissionSet) });

  return (old: readonly string[]): MappedScopes => {
    const set = sets.get(nameOf(old)) ?? (old.length === 0 ? targets.default_permission_set : undefined);
    if (set !== undefined) return ofSet(set);
    if (old.length === 0) return unmapped('it has no scopes, and there is no default_permission_set');
    const missing = old.filter((scope) => !Object.hasOwn(targets.scopes, scope));
    if (missing.length > 0) return unmapped(`the mapping does not name ${list(missing)}`);
    const scopes = [...new Set(old.flatMap((scope) => targets.scopes[scope]!))];
    const never = scopes.filter((scope) => rules.neverGranted.has(scope));
    if (never.length > 0) return { category: 'never_granted', reason: `no key ever holds ${list(never)}` };
    const permissionSet = rules.permissionSetOf(scopes);
    if (permissionSet !== undefined) return ofSet(permissionSet);
    return scopes.every((scope) => rules.chosenScopes.includes(scope))
      ? { permissionSet: undefined, scopes }
      : unmapped(`no permission set has exactly ${list(scopes)}`);
  };
}

function unmapped(reason: string): MappedScopes {
  return { category: 'unmapped_scope', reason };
}

function nameOf(scopes: readonly string[]): string {
  return [...new Set(scopes)]
    .filter((scope) => scope !== '')
    .toSorted()
    .join(' ');
}

function list(scopes: readonly string[]): string {
  return scopes
    .slice(0, 5)
    .map((scope) => scope.slice(0, 100))
    .join(', ');
}

/**
 * Reads scopes as other systems write them: a list; a text with spaces or commas; an object of actions by resource, as
 * `resource:action`; JSON of these as a text, also twice.
 * @returns undefined for anything else
 */
export function readScopes(value: unknown, depth = 0): string[] | undefined {
  if (value === undefined || value === null) return [];
  if (typeof value === 'string') return readText(value, depth);
  if (typeof value !== 'object') return undefined;
  if (Array.isArray(value)) return value.every((each) => typeof each === 'string') ? value : undefined;
  const actions = Object.entries(value).map(([resource, each]) =>
    readScopes(each, depth)?.map((action) => `${resource}:${action}`),
  );
  return actions.includes(undefined) ? undefined : actions.flatMap((each) => each!);
}

const MAX_DEPTH = 3;

function readText(text: string, depth: number): string[] | undefined {
  const isJson = /^\s*[[{"]/.test(text) || text === 'null';
  if (!isJson) return text.split(/[\s,]+/).filter((scope) => scope !== '');
  if (depth >= MAX_DEPTH) return undefined;
  try {
    return readScopes(JSON.parse(text), depth + 1);
  } catch {
    return undefined;
  }
}
