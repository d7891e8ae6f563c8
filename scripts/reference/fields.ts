import { z } from 'zod';
import type { Entry } from './page.ts';

/** The part of JSON Schema that the schemas here use. */
export type JsonSchema = {
  type?: string | readonly string[];
  description?: string;
  properties?: Readonly<Record<string, JsonSchema>>;
  required?: readonly string[];
  items?: JsonSchema;
  additionalProperties?: JsonSchema | boolean;
  propertyNames?: JsonSchema;
  anyOf?: readonly JsonSchema[];
  enum?: readonly string[];
  const?: string;
  default?: unknown;
  minimum?: number;
  maximum?: number;
  $ref?: string;
  $defs?: Readonly<Record<string, JsonSchema>>;
};

export type Field = Entry & { type: string; default: string };

/** Returns a schema as JSON Schema, with each reference replaced by what it names. */
export function jsonSchemaOf(type: z.ZodType, io: 'input' | 'output'): JsonSchema {
  const { $defs = {}, ...schema } = z.toJSONSchema(type, { io }) as JsonSchema;
  return withoutNames(schema, $defs);
}

function withoutNames(schema: JsonSchema, named: NonNullable<JsonSchema['$defs']>): JsonSchema {
  const { $ref, ...own } = schema;
  const { properties, items, anyOf, additionalProperties, ...rest } = {
    ...named[$ref?.replace('#/$defs/', '') ?? ''],
    ...own,
  };
  const inner = (one: JsonSchema) => withoutNames(one, named);
  return {
    ...rest,
    ...(properties && {
      properties: Object.fromEntries(Object.entries(properties).map(([name, one]) => [name, inner(one)])),
    }),
    ...(items && { items: inner(items) }),
    ...(anyOf && { anyOf: anyOf.map(inner) }),
    ...(typeof additionalProperties === 'object' && { additionalProperties: inner(additionalProperties) }),
  };
}

/** Lists every field of an object, in the schema's order: `plans[].name` is below `plans`, `postures.*.api` below `postures`. */
export function fieldsOf({ properties = {}, required = [] }: JsonSchema, prefix = ''): Field[] {
  return Object.entries(properties).flatMap(([key, schema]) => {
    const name = `${prefix}${key}`;
    return [{ name, ...describe(schema, required.includes(key)) }, ...below(schema, name)];
  });
}

function describe(schema: JsonSchema, isRequired: boolean): Omit<Field, 'name'> {
  const fallback = isRequired ? '**required**' : schema.default === undefined ? 'none' : defaultOf(schema.default);
  return { type: typeOf(schema), default: fallback, meaning: schema.description ?? '' };
}

function defaultOf(value: unknown): string {
  return `\`${JSON.stringify(value)}\``;
}

function below(schema: JsonSchema, name: string): Field[] {
  if (schema.anyOf) return schema.anyOf.flatMap((one) => below(one, name));
  if (schema.items) return below(schema.items, `${name}[]`);
  if (typeof schema.additionalProperties === 'object') return below(schema.additionalProperties, `${name}.*`);
  return fieldsOf(schema, `${name}.`);
}

function typeOf(schema: JsonSchema): string {
  if (schema.anyOf) return [...new Set(schema.anyOf.map(typeOf))].join(' or ');
  if (schema.const !== undefined) return `\`${schema.const}\``;
  if (schema.enum) return schema.enum.map((value) => `\`${value}\``).join(' or ');
  if (schema.items) return `list of ${typeOf(schema.items)}`;
  if (typeof schema.additionalProperties === 'object')
    return `map of ${keysOf(schema)} to ${typeOf(schema.additionalProperties)}`;
  return simpleTypeOf(schema);
}

function keysOf({ propertyNames }: JsonSchema): string {
  return propertyNames?.enum ? typeOf(propertyNames) : 'name';
}

function simpleTypeOf({ type, minimum, maximum }: JsonSchema): string {
  if (type === 'integer' || type === 'number')
    return rangeOf(type === 'integer' ? 'whole number' : 'number', minimum, maximum);
  return [type ?? 'any'].flat().join(' or ');
}

function rangeOf(kind: string, minimum: number | undefined, maximum: number | undefined): string {
  const isBounded = maximum !== undefined && maximum < Number.MAX_SAFE_INTEGER;
  return isBounded ? `${kind}, ${minimum ?? 0} to ${maximum}` : kind;
}
