import { DatabaseUrl } from './database-url.ts';
import { importSecrets, list } from './variable-types.ts';

/** The variables of imports of keys, beside those of variables.ts. */
export const imports = {
  LATCHKEY_IMPORT_SECRETS: list
    .pipe(importSecrets)
    .default([])
    .describe(
      'Secrets of imports whose `hash` is an HMAC, separated by commas: the name of the import, `:`, and the secret in base64 (docs/how-to/import-keys.md).',
    ),
  LATCHKEY_IMPORT_DATABASE_URL: DatabaseUrl.optional().describe(
    "Address of another system's PostgreSQL, from which `npm run import -- … --database` reads keys; the service does not use it.",
  ),
};
