import { makeImportedForm } from '../../api-keys/format/imported-form.ts';
import type { ImportedForm } from '../../api-keys/format/imported-form.ts';
import { StartError } from '../../errors.ts';
import type { Product } from '../../product/product.ts';

/** @throws StartError that names every import whose secret is missing */
export function importedFormsOf(
  { importSecrets }: { importSecrets: ReadonlyMap<string, Buffer> },
  { imports }: Pick<Product, 'imports'>,
): ImportedForm[] {
  const missing = imports.filter(({ name, hash }) => hash.startsWith('hmac-') && !importSecrets.has(name));
  if (missing.length > 0) {
    const lines = missing.map(({ name }) => `  LATCHKEY_IMPORT_SECRETS: lacks the secret of the import '${name}'`);
    throw new StartError(`The environment is not complete:\n${lines.join('\n')}`);
  }
  return imports.map((rule) => makeImportedForm(rule, (name) => importSecrets.get(name)!));
}
