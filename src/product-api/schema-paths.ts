import { z } from 'zod';

/** Whether a schema is of what is sent to Latchkey, or of what it answers. */
export type Side = 'in' | 'out';

/** Returns what is inside of optional, nullable and transformed schemas. */
function bare(schema: z.ZodType, side: Side): z.ZodType {
  if (schema instanceof z.ZodPipe) return bare((side === 'in' ? schema.in : schema.out) as z.ZodType, side);
  if (
    schema instanceof z.ZodOptional ||
    schema instanceof z.ZodNullable ||
    schema instanceof z.ZodDefault ||
    schema instanceof z.ZodPrefault ||
    schema instanceof z.ZodReadonly
  )
    return bare(schema.unwrap() as z.ZodType, side);
  return schema;
}

/** The objects that a value may be: each alternative of a union, or the object itself. */
export function objectsOf(schema: z.ZodType, side: Side): z.ZodObject[] {
  const inside = bare(schema, side);
  if (inside instanceof z.ZodUnion) return inside.options.flatMap((option) => objectsOf(option as z.ZodType, side));
  return inside instanceof z.ZodObject ? [inside] : [];
}

export function itemOf(schema: z.ZodType, side: Side): z.ZodType | undefined {
  const inside = bare(schema, side);
  return inside instanceof z.ZodArray ? (inside.element as z.ZodType) : undefined;
}

/** Returns the schema of the field that a dotted path names. `optional`: the field, or an object around it, may be absent. */
export function fieldAt(
  object: z.ZodObject,
  path: string,
  side: Side,
): { schema: z.ZodType; optional: boolean } | undefined {
  const [first = '', ...rest] = path.split('.');
  const field = Object.hasOwn(object.shape, first) ? (object.shape[first] as z.ZodType) : undefined;
  if (!field) return undefined;
  const optional = isAbsentAllowed(field) || field.safeParse(null).success;
  if (rest.length === 0) return { schema: field, optional: isAbsentAllowed(field) };
  const [inside] = objectsOf(field, side);
  const found = inside && fieldAt(inside, rest.join('.'), side);
  return found && { schema: found.schema, optional: optional || found.optional };
}

export function isAbsentAllowed(schema: z.ZodType): boolean {
  return schema.safeParse(undefined).success;
}

/** Returns the required fields of an object that no given path reaches, as dotted paths. */
export function uncovered(object: z.ZodObject, paths: readonly string[]): string[] {
  return Object.entries(object.shape).flatMap(([name, field]) => {
    const schema = field as z.ZodType;
    if (paths.includes(name)) return [];
    const below = paths.flatMap((path) => (path.startsWith(`${name}.`) ? [path.slice(name.length + 1)] : []));
    if (below.length === 0) return isAbsentAllowed(schema) ? [] : [name];
    const [inside] = objectsOf(schema, 'in');
    return inside ? uncovered(inside, below).map((inner) => `${name}.${inner}`) : [];
  });
}
