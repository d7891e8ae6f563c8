import { StartError } from '../errors.ts';
import { DatabaseUrl } from './database-url.ts';
import { importSecrets, list, wholeNumber } from './variable-types.ts';

/** The variables of imports of keys, beside those of variables.ts. */
export const imports = {
  LATCHKEY_IMPORT_SECRETS: list
    .pipe(importSecrets)
    .default([])
    .describe(
      'Secrets of imports whose `hash` is an HMAC, separated by commas: the name of the import, `:`, and the secret in base64 (docs/how-to/import-keys.md).',
    ),
  LATCHKEY_HASH_CHECKS: wholeNumber(1, 10_000, 128).describe(
    'Most keys at once whose salted hash (bcrypt, scrypt, argon2id) a process checks, or has waiting, on their first use.',
  ),
  LATCHKEY_IMPORT_DATABASE_URL: DatabaseUrl.optional().describe(
    "Address of another system's PostgreSQL, from which `npm run import -- … --database` reads keys; the service does not use it.",
  ),
};

/**
 * Reads the secrets of imports alone: the machine that hashes the keys of another system has no other variable.
 * @throws StartError
 */
export function readImportSecrets(env: Readonly<Record<string, string | undefined>>): ReadonlyMap<string, Buffer> {
  const parsed = imports.LATCHKEY_IMPORT_SECRETS.safeParse(env['LATCHKEY_IMPORT_SECRETS'] || undefined);
  if (parsed.success) return new Map(parsed.data);
  throw new StartError(`LATCHKEY_IMPORT_SECRETS: ${parsed.error.issues[0]!.message}`);
}
