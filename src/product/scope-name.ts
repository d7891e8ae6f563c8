import { z } from 'zod';

/** A scope's name in the product's file. */
export const scopeName = z
  .string()
  .regex(
    /^[a-z][a-z0-9._:*-]{0,47}$/,
    "must follow WorkOS's grammar: at most 48 lower-case letters, digits and - _ : . *, beginning with a letter",
  );
