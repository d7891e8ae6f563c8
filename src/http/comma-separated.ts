import { z } from 'zod';

/** Characters of the longest item, and its comma. */
const MAX_ITEM = 128;

/** One to `max` different values of one query parameter, separated by commas. `error` says what to give. */
export function commaSeparated<S extends z.ZodType>(item: S, { max, error }: { max: number; error: string }) {
  const list = z.array(item).min(1).max(max);
  return z
    .string()
    .max(max * MAX_ITEM, error)
    .transform((value, context) => {
      const parsed = list.safeParse([...new Set(value.split(','))]);
      if (parsed.success) return parsed.data;
      context.addIssue({ code: 'custom', message: error });
      return z.NEVER;
    })
    .meta({ override: { type: 'string', maxLength: max * MAX_ITEM } });
}
