import { parseDocument } from 'yaml';
import { z } from 'zod';
import { StartError } from '../errors.ts';
import { ORGANIZATION_ID, USER_ID } from '../ids.ts';
import type { Catalogue } from '../permissions/catalogue.ts';
import { PRESETS } from './presets.ts';
import type { FieldName } from './presets.ts';

const name = z.string().min(1).max(200);
const field = z.union([name, z.array(name).min(1).max(4)]);

/** The fields of a row; several names are tried in turn, and dots lead into objects. */
const Fields = z.strictObject({
  id: field.optional(),
  hash: field.optional(),
  secret: field.optional(),
  salt: field.optional(),
  locator: field.optional(),
  organization: field.optional(),
  user: field.optional(),
  label: field.optional(),
  scopes: field.optional(),
  start: field.optional(),
  enabled: field.optional(),
  disabled: field.optional(),
  expires_at: field.optional(),
  created_at: field.optional(),
  credits: field.optional(),
  pending: field.optional(),
  rate_limited: field.optional(),
  rate_limit: field.optional(),
  rate_window_ms: field.optional(),
}) satisfies z.ZodType<Partial<Record<FieldName, unknown>>>;

const MappingFile = z.strictObject({
  source: z.enum(['own', 'better-auth', 'unkey', 'clerk', 'zuplo']).default('own'),
  fields: Fields.prefault({}),
  table: z
    .string()
    .regex(/^[A-Za-z_]\w{0,62}(?:\.[A-Za-z_]\w{0,62})?$/, 'must be the name of a table')
    .default('apikey'),
  organizations: z
    .record(name, z.string().regex(ORGANIZATION_ID, 'must be the id of a WorkOS organization'))
    .optional(),
  users: z.record(name, z.string().regex(USER_ID, 'must be the id of a WorkOS user')).optional(),
  permission_sets: z.record(z.string().max(2_000), name).default({}),
  scopes: z.record(name, z.array(name).min(1).max(50)).default({}),
  default_permission_set: name.optional(),
  /** How a salt in a field of its own is written, and where it stands beside the key. */
  salt: z
    .strictObject({
      encoding: z.enum(['utf8', 'hex', 'base64']).default('utf8'),
      position: z.enum(['before', 'after']).default('before'),
    })
    .prefault({}),
  /** The costs of scrypt hashes that do not name their own; Node's defaults. */
  scrypt: z
    .strictObject({
      cost: z
        .int()
        .min(2)
        .max(2 ** 30)
        .refine((cost) => Number.isInteger(Math.log2(cost)), 'must be a power of two')
        .default(16_384),
      block_size: z.int().min(1).max(999).default(8),
      parallelization: z.int().min(1).max(999).default(1),
    })
    .prefault({}),
});

/** How rows of another system become keys. */
export type Mapping = Omit<z.output<typeof MappingFile>, 'fields'> & {
  fields: Readonly<Partial<Record<FieldName, readonly string[]>>>;
};

type Rules = Pick<Catalogue, 'sets' | 'scopeNames' | 'keyOwners'>;

/** @throws StartError that names every fault of the file */
export function parseMapping(text: string, shown: string, rules: Rules): Mapping {
  const document = parseDocument(text);
  const [broken] = document.errors;
  if (broken) throw unusable(shown, [broken.message.split('\n')[0]!]);
  const parsed = MappingFile.safeParse(document.toJS({ maxAliasCount: 100 }) ?? {});
  if (!parsed.success)
    throw unusable(
      shown,
      parsed.error.issues.map(({ path, message }) => `${path.join('.') || 'file'}: ${message}`),
    );
  const faults = [...personFaults(parsed.data, rules), ...unknownTargets(parsed.data, rules)];
  if (faults.length > 0) throw unusable(shown, faults);
  const { fields, ...rest } = parsed.data;
  return { ...rest, fields: { ...PRESETS[rest.source], ...listsOf(fields) } };
}

function listsOf(fields: z.output<typeof Fields>): Mapping['fields'] {
  return Object.fromEntries(Object.entries(fields).map(([key, value]) => [key, [value].flat()]));
}

function personFaults({ fields, users }: z.output<typeof MappingFile>, { keyOwners }: Rules): string[] {
  if (fields.user === undefined) return users === undefined ? [] : ['users: needs fields.user, which names the user'];
  return keyOwners.includes('user') ? [] : ['fields.user: api_keys.owners of the product file allows no personal keys'];
}

function unknownTargets(file: z.output<typeof MappingFile>, { sets, scopeNames }: Rules): string[] {
  const known = new Set(sets.map((set) => set.name));
  const named = [
    ...Object.entries(file.permission_sets).map(([from, set]) => [`permission_sets.${from}`, set] as const),
    ...(file.default_permission_set === undefined
      ? []
      : [['default_permission_set', file.default_permission_set] as const]),
  ];
  return [
    ...named.flatMap(([at, set]) => (known.has(set) ? [] : [`${at}: '${set}' is not among the permission sets`])),
    ...Object.entries(file.scopes).flatMap(([from, scopes]) =>
      scopes.flatMap((scope) => (scopeNames.has(scope) ? [] : [`scopes.${from}: '${scope}' is not among the scopes`])),
    ),
  ];
}

function unusable(shown: string, faults: readonly string[]): StartError {
  return new StartError(`The mapping ${shown} cannot be used:\n${faults.map((each) => `  ${each}`).join('\n')}`);
}
