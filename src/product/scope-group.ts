import { z } from 'zod';

/** A scope's name in the product's file. */
export const scope = z
  .string()
  .regex(
    /^[a-z][a-z0-9._:*-]{0,47}$/,
    "must follow WorkOS's grammar: at most 48 lower-case letters, digits and - _ : . *, beginning with a letter",
  );

export const description = z.string().min(1).max(300);

/** Scopes in the group that people see them in. */
export const ScopeGroup = z.strictObject({
  group: z.string().min(1).max(64).describe('Title of the group.'),
  description: description.optional().describe('What the scopes of the group are about.'),
  scopes: z
    .array(
      z.strictObject({
        name: scope.describe("Slug of the scope, the same as of WorkOS's permission."),
        description: description.describe('What a key with this scope may do.'),
        implies: z
          .array(scope)
          .min(1)
          .max(200)
          .optional()
          .describe('Scopes that a holder of this one has as well, and those that they imply.'),
        requires: z
          .string()
          .regex(
            /^[A-Za-z_][A-Za-z0-9_-]{0,39}$/,
            "must be the name of an entry of an organization's metadata at WorkOS",
          )
          .optional()
          .describe(
            "Entry of the organization's metadata at WorkOS that has to be there before a key gets this scope, such as `default_product`.",
          ),
      }),
    )
    .min(1)
    .max(200)
    .describe('The scopes of the group.'),
});
