import { z } from 'zod';

const name = z
  .string()
  .regex(/^[a-z][a-z0-9_-]{0,63}$/, 'needs lower-case letters, digits, _ or -, at most 64, beginning with a letter');
const scope = z
  .string()
  .regex(/^[a-z][a-z0-9._:*-]{0,47}$/, "needs WorkOS's grammar: lower-case letters, digits and - _ : . *, at most 48");
const description = z.string().min(1).max(300);

const ScopeGroup = z.strictObject({
  group: z.string().min(1).max(64),
  description: description.optional(),
  scopes: z
    .array(z.strictObject({ name: scope, description }))
    .min(1)
    .max(200),
});

const PermissionSet = z.strictObject({ name, description, scopes: z.array(scope).min(1).max(200) });

const Plan = z.strictObject({
  name,
  key_limit: z.int().min(0).max(1_000_000).describe('Active keys that an organization on this plan may have.'),
});

const FirstPosture = z
  .strictObject({
    status: z.enum(['active', 'trial', 'past_due', 'decommissioning']),
    trial_days: z.int().min(1).max(3_650).optional().describe("Counted from the organization's own beginning."),
  })
  .refine(({ status, trial_days: days }) => (status === 'trial') === (days !== undefined), {
    path: ['trial_days'],
    message: 'a trial needs trial_days, and nothing else has them',
  })
  .describe('What an organization that WorkOS makes may do before billing has spoken of it; nothing, if not given.');

/** The file that defines a product. The JSON Schema published beside the default file is made from this. */
export const ProductFile = z
  .strictObject({
    product: z.string().min(1).max(64).describe("The product's name, shown to people."),
    api_keys: z.strictObject({
      prefixes: z
        .array(z.string().regex(/^[A-Za-z][A-Za-z0-9_]{1,15}$/))
        .min(1)
        .max(8)
        .describe('How a presented credential is known to be an API key.'),
    }),
    scopes: z.array(ScopeGroup).min(1).max(50).describe('Every scope there is, in the groups that people see.'),
    never_granted: z.array(scope).max(200).describe('Scopes that no API key ever holds.'),
    permission_sets: z.array(PermissionSet).min(1).max(50).describe('The closed list that a key is made from.'),
    plans: z.array(Plan).min(1).max(50),
    default_plan: name.describe('The plan of an organization for which none was named.'),
    first_posture: FirstPosture.optional(),
  })
  .superRefine(checkReferences);

export type Product = z.output<typeof ProductFile>;

type Raw = Product;
type Report = (path: (string | number)[], message: string) => void;

function checkReferences(file: Raw, context: z.RefinementCtx): void {
  const report: Report = (path, message) => context.addIssue({ code: 'custom', path, message });
  const scopes = file.scopes.flatMap((group, g) =>
    group.scopes.map(({ name }, s) => ({ name, path: ['scopes', g, 'scopes', s] })),
  );
  const known = new Set(scopes.map(({ name }) => name));
  reportRepeats(scopes, 'scope', report);
  reportRepeats(named(file.permission_sets, 'permission_sets'), 'permission set', report);
  reportRepeats(named(file.plans, 'plans'), 'plan', report);
  for (const [i, name] of file.never_granted.entries()) {
    if (!known.has(name)) report(['never_granted', i], `'${name}' is not among the scopes`);
  }
  checkSets(file, known, report);
  if (!file.plans.some((plan) => plan.name === file.default_plan)) {
    report(['default_plan'], `'${file.default_plan}' is not among the plans`);
  }
}

function checkSets(file: Raw, known: ReadonlySet<string>, report: Report): void {
  for (const [i, set] of file.permission_sets.entries()) {
    for (const [j, name] of set.scopes.entries()) {
      const path = ['permission_sets', i, 'scopes', j];
      if (!known.has(name)) report(path, `the set '${set.name}' grants '${name}', which is not among the scopes`);
      if (file.never_granted.includes(name))
        report(path, `the set '${set.name}' grants '${name}', which is never granted`);
    }
  }
}

function named(items: readonly { name: string }[], at: string) {
  return items.map(({ name }, i) => ({ name, path: [at, i] }));
}

function reportRepeats(
  items: readonly { name: string; path: (string | number)[] }[],
  what: string,
  report: Report,
): void {
  const seen = new Set<string>();
  for (const { name, path } of items) {
    if (seen.has(name)) report(path, `the ${what} '${name}' is there twice`);
    seen.add(name);
  }
}
