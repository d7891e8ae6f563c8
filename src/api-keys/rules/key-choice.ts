import { z } from 'zod';
import { AppError } from '../../errors.ts';
import type { ActingCaller } from '../../http/caller.ts';
import type { Catalogue } from '../../permissions/catalogue.ts';
import type { Key } from '../key.ts';

export type Choice = Pick<Catalogue, 'sets' | 'chosenScopes'>;
type Fields = {
  permission_set: z.ZodOptional<z.ZodEnum<Record<string, string>>>;
  scopes: z.ZodOptional<z.ZodArray<z.ZodEnum<Record<string, string>>>>;
};
type PermissionSetName = ReturnType<typeof permissionSetOf>;
type Chosen = { permission_set?: string | undefined; scopes?: readonly string[] | undefined };

/** The configured sets; none where keys are made from chosen scopes alone. */
export function permissionSetOf({ sets }: Pick<Choice, 'sets'>) {
  return z
    .enum(sets.map(({ name }) => name))
    .meta({ id: 'PermissionSetName' })
    .describe('The configured permission set that gives the key its scopes.');
}

/**
 * Returns the fields that say what a key is made from: a set, chosen scopes or, where both are configured, one of the
 * two. A field that is not configured is unknown, and refused.
 */
export function choiceFields(choice: Choice, permissionSet: PermissionSetName): Fields {
  const { sets, chosenScopes } = choice;
  const scopes = scopesOf(chosenScopes);
  const isEither = isFreeChoice(choice);
  return {
    ...(sets.length > 0 && { permission_set: isEither ? permissionSet.optional() : permissionSet }),
    ...(chosenScopes.length > 0 && { scopes: isEither ? scopes.optional() : scopes }),
    // Which fields there are depends on the configuration, so readers treat both as optional.
  } as Fields;
}

/** Returns the filter of the list. */
export function setFilter({ sets }: Choice, permissionSet: PermissionSetName): Pick<Fields, 'permission_set'> {
  return (sets.length > 0 ? { permission_set: permissionSet.optional() } : {}) as Fields;
}

/** Whether the request chooses between a set and scopes. */
export function isFreeChoice({ sets, chosenScopes }: Choice): boolean {
  return sets.length > 0 && chosenScopes.length > 0;
}

/** Says so in OpenAPI. */
export function choiceMeta(choice: Choice): { oneOf?: { required: string[] }[] } {
  return isFreeChoice(choice) ? { oneOf: [{ required: ['permission_set'] }, { required: ['scopes'] }] } : {};
}

/** The refinement of a schema with both. */
export const ONE_CHOICE = { path: ['permission_set'], message: 'Give either permission_set or scopes, not both.' };

export function isOneChoice({ permission_set: set, scopes }: Chosen): boolean {
  return (set === undefined) !== (scopes === undefined);
}

function scopesOf(chosenScopes: readonly string[]) {
  return z
    .array(z.enum([...chosenScopes]))
    .min(1, 'Choose at least one scope.')
    .max(Math.max(chosenScopes.length, 1))
    .refine((scopes) => new Set(scopes).size === scopes.length, 'List each scope once.')
    .meta({ uniqueItems: true })
    .describe(
      'The scopes of the key. The caller must hold each; `GET /v1/api-keys/permissions` lists those to choose from.',
    );
}

/** @throws AppError `permission_denied` for scopes that the caller does not hold */
export function assertHeld(caller: ActingCaller, scopes: Iterable<string>): void {
  const missing = [...scopes].filter((scope) => !caller.scopes.has(scope));
  if (missing.length === 0) return;
  throw new AppError(
    'permission_denied',
    'A key cannot get scopes that you do not hold. Leave out the missing_scopes.',
    {
      details: { missing_scopes: missing },
    },
  );
}

/** Whether the key has no set and all its scopes can be chosen. */
export function isChosen({ permissionSet, scopes }: Pick<Key, 'permissionSet' | 'scopes'>, { chosenScopes }: Choice) {
  return permissionSet === undefined && scopes.every((scope) => chosenScopes.includes(scope));
}
