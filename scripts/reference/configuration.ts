import { ProductFile } from '../../src/product/product.ts';
import { fieldsOf, jsonSchemaOf } from './fields.ts';
import type { Field } from './fields.ts';
import { codes, tablesPage } from './page.ts';
import type { Page } from './page.ts';

const INTRODUCTION = `One YAML file defines the product: the one that \`LATCHKEY_CONFIG\` names, else
[config/evershell.yaml](../../config/evershell.yaml). Editors check it by
[config/latchkey.schema.json](../../config/latchkey.schema.json); the start also checks that every name refers to something, and
names the line of each fault. An unknown field is a fault.

\`x[]\` is an item of the list \`x\`, \`x.*\` a value of the map \`x\`.`;

/** Returns the page of every field of the product file, from its schema. */
export function configurationPage(): Promise<Page> {
  const sections = Map.groupBy(
    fieldsOf(jsonSchemaOf(ProductFile, 'input')),
    ({ name }: Field) => /^\w+/.exec(name)![0],
  );
  return tablesPage(
    { file: 'configuration.md', title: 'Configuration of the product', introduction: INTRODUCTION },
    {
      field: ({ name }) => codes([name]),
      type: ({ type }) => type,
      default: (field) => field.default,
      meaning: ({ meaning }) => meaning,
    },
    [...sections].map(([title, entries]) => ({ title: `\`${title}\``, entries })),
  );
}
