import { AppError } from '../errors.ts';
import type { TenantCaller } from '../http/caller.ts';
import { invalidFields } from '../http/validate.ts';
import type { Environment } from './key.ts';
import type { KeyRules } from '../product/key-rules.ts';

/** Whose keys a caller reaches: one person's; undefined for all of the organization. */
export type Reach = { ownerUserId: string } | undefined;

export const KEY_OWNERS = ['organization', 'user'] as const;
export type KeyOwnerKind = (typeof KEY_OWNERS)[number];

const MAY = {
  read: { all: ['apikeys:read', 'apikeys:write'], own: ['apikeys:read:own', 'apikeys:write:own'] },
  write: { all: ['apikeys:write'], own: ['apikeys:write:own'] },
} as const;

/** The scopes that routes of keys ask for: those of one's own keys only where a product has such keys. */
export function keyScopes(owners: KeyRules['owners']) {
  const hasOwn = owners.includes('user');
  const scopesFor = (verb: keyof typeof MAY): string[] => [...MAY[verb].all, ...(hasOwn ? MAY[verb].own : [])];
  return { mayRead: scopesFor('read'), mayWrite: scopesFor('write') };
}

/**
 * Narrows a caller that a route let in to the keys that it may see or change.
 * @throws AppError `permission_denied` for one that may only reach its own, and is no person's
 */
export function reachOf(caller: TenantCaller, verb: keyof typeof MAY): Reach {
  if (MAY[verb].all.some((scope) => caller.scopes.has(scope))) return undefined;
  return ownOf(caller);
}

/** A caller's own keys. @throws AppError `permission_denied` for one that is no person's */
export function ownOf(caller: TenantCaller): NonNullable<Reach> {
  const ownerUserId = personOf(caller);
  if (ownerUserId !== undefined) return { ownerUserId };
  throw new AppError('permission_denied', 'This caller is no person, and has no keys of its own.');
}

function personOf(caller: TenantCaller): string | undefined {
  if (caller.kind === 'user') return caller.userId;
  return caller.kind === 'api_key' ? caller.ownerUserId : undefined;
}

/**
 * The person for whom a caller makes a key; undefined for one of the organization.
 * @throws AppError `permission_denied` when it may not, `validation_error` for a test key
 */
export function ownerFor(
  caller: TenantCaller,
  { owner, environment }: { owner: KeyOwnerKind; environment: Environment },
): string | undefined {
  if (owner === 'organization') {
    if (reachOf(caller, 'write')) throw onlyOwn();
    return undefined;
  }
  // The people of WorkOS's test environment are others.
  if (environment === 'test') throw invalidFields({ environment: "A test key is the organization's." });
  if (caller.kind === 'user') return caller.userId;
  throw new AppError('permission_denied', 'A personal key is made by the person whose it is. Sign in for it.');
}

export function onlyOwn(): AppError {
  return new AppError('permission_denied', 'The scopes of this caller are for its own keys.');
}
