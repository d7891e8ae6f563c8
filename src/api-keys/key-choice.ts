import { z } from 'zod';
import { AppError } from '../errors.ts';
import type { TenantCaller } from '../http/caller.ts';
import type { Catalogue } from '../permissions/catalogue.ts';
import type { Key } from './key.ts';

export type Choice = Pick<Catalogue, 'sets' | 'chosenScopes'>;
type Fields = {
  permission_set: z.ZodOptional<z.ZodEnum<Record<string, string>>>;
  scopes: z.ZodOptional<z.ZodArray<z.ZodEnum<Record<string, string>>>>;
};
type PermissionSetName = ReturnType<typeof permissionSetOf>;
type Chosen = { permission_set?: string | undefined; scopes?: readonly string[] | undefined };

/** The closed list of sets; none where keys are only made from chosen scopes. */
export function permissionSetOf({ sets }: Pick<Choice, 'sets'>) {
  return z
    .enum(sets.map(({ name }) => name))
    .meta({ id: 'PermissionSetName' })
    .describe('The closed template that decides which scopes the key has.');
}

/**
 * What a key is made from: a set, scopes one by one, or, where the configuration has both, either. What the
 * configuration does not have is an unknown field.
 */
export function choiceFields(choice: Choice, permissionSet: PermissionSetName): Fields {
  const { sets, chosenScopes } = choice;
  const scopes = scopesOf(chosenScopes);
  const isEither = isFreeChoice(choice);
  return {
    ...(sets.length > 0 && { permission_set: isEither ? permissionSet.optional() : permissionSet }),
    ...(chosenScopes.length > 0 && { scopes: isEither ? scopes.optional() : scopes }),
    // What is there or not, and needed or not, is the configuration's to say, and whoever reads it has to look.
  } as Fields;
}

/** The filter of a list. */
export function setFilter({ sets }: Choice, permissionSet: PermissionSetName): Pick<Fields, 'permission_set'> {
  return (sets.length > 0 ? { permission_set: permissionSet.optional() } : {}) as Fields;
}

/** Between a set and scopes. */
export function isFreeChoice({ sets, chosenScopes }: Choice): boolean {
  return sets.length > 0 && chosenScopes.length > 0;
}

/** What the description of the API says of that. */
export function choiceMeta(choice: Choice): { oneOf?: { required: string[] }[] } {
  return isFreeChoice(choice) ? { oneOf: [{ required: ['permission_set'] }, { required: ['scopes'] }] } : {};
}

/** For a schema's refinement, where both are possible. */
export const ONE_CHOICE = { path: ['permission_set'], message: 'Give either a permission_set or scopes.' };

export function isOneChoice({ permission_set: set, scopes }: Chosen): boolean {
  return (set === undefined) !== (scopes === undefined);
}

function scopesOf(chosenScopes: readonly string[]) {
  return z
    .array(z.enum([...chosenScopes]))
    .min(1, 'Choose at least one scope.')
    .max(Math.max(chosenScopes.length, 1))
    .refine((scopes) => new Set(scopes).size === scopes.length, 'A scope is there twice.')
    .meta({ uniqueItems: true })
    .describe('What the key may do, at most what its maker holds; `GET /v1/api-keys/permissions` lists them.');
}

/** @throws AppError `permission_denied` for scopes that somebody chose for a key and does not hold */
export function assertHeld(caller: TenantCaller, scopes: Iterable<string>): void {
  const missing = [...scopes].filter((scope) => !caller.scopes.has(scope));
  if (missing.length === 0) return;
  throw new AppError('permission_denied', 'A key never gets more than its maker holds.', {
    details: { missing_scopes: missing },
  });
}

/** Whether a key could be made from its scopes one by one. */
export function isChosen({ permissionSet, scopes }: Pick<Key, 'permissionSet' | 'scopes'>, { chosenScopes }: Choice) {
  return permissionSet === undefined && scopes.every((scope) => chosenScopes.includes(scope));
}
