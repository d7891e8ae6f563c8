import { AppError } from '../../errors.ts';
import type { ActingCaller } from '../../http/caller.ts';
import { invalidFields } from '../../http/validate.ts';
import type { Environment } from '../key.ts';
import type { KeyRules } from '../../product/key-rules.ts';

/**
 * The keys that a caller reaches: those of one person, those of one CI policy, or the organization's own of some permission
 * sets; undefined: all of the organization.
 */
export type Reach = { ownerUserId: string } | { policyId: string } | { permissionSets: readonly string[] } | undefined;

export const KEY_OWNERS = ['organization', 'user'] as const;
export type KeyOwnerKind = (typeof KEY_OWNERS)[number];

const MAY = {
  read: { all: ['apikeys:read', 'apikeys:write'], own: ['apikeys:read:own', 'apikeys:write:own'] },
  write: { all: ['apikeys:write'], own: ['apikeys:write:own'] },
} as const;

/** Returns the scopes that the routes require. `…:own` counts only where the product has personal keys. */
export function keyScopes(owners: KeyRules['owners']) {
  const hasOwn = owners.includes('user');
  const scopesFor = (verb: keyof typeof MAY): string[] => [...MAY[verb].all, ...(hasOwn ? MAY[verb].own : [])];
  return { mayRead: scopesFor('read'), mayWrite: scopesFor('write') };
}

/**
 * Returns the keys that a caller may see or change.
 * @throws AppError `permission_denied` for a caller with an `…:own` scope that acts for no person
 */
export function reachOf(caller: ActingCaller, verb: keyof typeof MAY): Reach {
  // Its scopes are those of the routes; the policy bounds it.
  if (caller.kind === 'ci') return { policyId: caller.policyId };
  if (caller.kind === 'staff') return { permissionSets: caller.permissionSets };
  if (MAY[verb].all.some((scope) => caller.scopes.has(scope))) return undefined;
  return ownOf(caller);
}

/** Returns the caller's own keys. @throws AppError `permission_denied` for a caller that acts for no person */
export function ownOf(caller: ActingCaller): { ownerUserId: string } {
  const ownerUserId = personOf(caller);
  if (ownerUserId !== undefined) return { ownerUserId };
  throw new AppError(
    'permission_denied',
    'This credential does not belong to a user, so it has no personal keys. Sign in as a user.',
  );
}

function personOf(caller: ActingCaller): string | undefined {
  if (caller.kind === 'user') return caller.userId;
  return caller.kind === 'api_key' ? caller.ownerUserId : undefined;
}

/**
 * Returns who will own a new key: the caller's person, or undefined for the organization.
 * @throws AppError `permission_denied`, `validation_error` for a personal test key
 */
export function ownerFor(
  caller: ActingCaller,
  { owner, environment }: { owner: KeyOwnerKind; environment: Environment },
): string | undefined {
  if (owner === 'organization') {
    if (reachesOwnOnly(reachOf(caller, 'write'))) throw onlyOwn();
    return undefined;
  }
  // The people of WorkOS's test environment are others.
  if (environment === 'test') throw invalidFields({ environment: 'A personal key cannot be a test key.' });
  if (caller.kind === 'user') return caller.userId;
  throw new AppError('permission_denied', 'Only its owner can create a personal key. Sign in as a user.');
}

/** Whether these are the personal keys of one person. */
export function reachesOwnOnly(reach: Reach): boolean {
  return reach !== undefined && 'ownerUserId' in reach;
}

export function onlyOwn(): AppError {
  return new AppError('permission_denied', "This caller's scopes reach only its own personal keys.");
}
