import { z } from 'zod';
import { ProductFile } from '../src/product/product.ts';

/** Returns the JSON Schema of the product file, by which editors check it. */
export function productJsonSchema(): string {
  const schema = z.toJSONSchema(ProductFile, { target: 'draft-2020-12', io: 'input' });
  const { $schema, ...rest } = schema;
  const described = {
    $schema,
    title: 'Latchkey product configuration',
    description:
      'What defines a product: its scopes, the permission sets its customers choose from, and its plans. Latchkey also checks, at start, that every name refers to something and that no set grants what is never granted.',
    ...rest,
  };
  return `${JSON.stringify(described, undefined, 2)}\n`;
}
