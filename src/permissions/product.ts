import { z } from 'zod';
import { BILLING_STATUSES } from '../billing/posture.ts';
import { isWithin } from '../limits/effective-limits.ts';
import type { RateLimit } from '../limits/limits.ts';
import { BillingRules } from './billing-rules.ts';
import { NoticeRules } from './notice-rules.ts';
import { StripeRules, plansNamed } from './stripe-rules.ts';

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

const rateLimit = z
  .strictObject({
    limit: z.int().min(1).max(10_000_000),
    window_seconds: z.int().min(1).max(86_400),
  })
  .describe('At most `limit` requests in a window, which begins with the first request in it.');
/** A configured rate, as the limits have it. */
export function toRate({ limit, window_seconds: windowSeconds }: z.output<typeof rateLimit>): RateLimit {
  return { limit, windowSeconds };
}

const concurrency = z.int().min(1).max(100_000).describe('Requests at a time.');
const none = z.literal('none');

const PermissionSet = z.strictObject({
  name,
  description,
  scopes: z.array(scope).min(1).max(200),
  rate_limit: rateLimit.optional().describe("Of each key made from this set, up to the plan's maximum."),
  concurrency: concurrency.optional().describe("Of each key made from this set, up to the plan's maximum."),
});

const Plan = z.strictObject({
  name,
  key_limit: z.int().min(0).max(1_000_000).describe('Active keys that an organization on this plan may have.'),
  rate_limit: z
    .union([rateLimit, none])
    .default({ limit: 100, window_seconds: 60 })
    .describe('Of each key, unless the key or its set says another.'),
  max_rate_limit: z
    .union([rateLimit, none])
    .optional()
    .describe('What no key goes beyond, whatever it or its set says; `rate_limit`, if not given.'),
  concurrency: z.union([concurrency, none]).default(10).describe('Requests at a time of each key.'),
  max_concurrency: z.union([concurrency, none]).optional().describe('`concurrency`, if not given.'),
  organization_rate_limit: z
    .union([rateLimit, none])
    .default('none')
    .describe('Of all keys of an organization together.'),
  allowed_permission_sets: z
    .array(name)
    .min(1)
    .max(50)
    .optional()
    .describe('The sets that a new key may be made from; all, if not given. Keys that exist stay as they are.'),
  max_expiry_days: z
    .union([z.int().min(1).max(3_650), none])
    .default('none')
    .describe(
      'How long a new key may live at most, and does if nothing else is said. Keys that exist stay as they are.',
    ),
});

const FirstPosture = z
  .strictObject({
    status: z.enum(BILLING_STATUSES),
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
    billing: BillingRules,
    notices: NoticeRules,
    stripe: StripeRules,
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
  checkPlans(file, report);
  if (!file.plans.some((plan) => plan.name === file.default_plan)) {
    report(['default_plan'], `'${file.default_plan}' is not among the plans`);
  }
  for (const { plan, path } of plansNamed(file.stripe)) {
    if (!file.plans.some(({ name }) => name === plan)) report(['stripe', ...path], `'${plan}' is not among the plans`);
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

function checkPlans(file: Raw, report: Report): void {
  for (const [i, plan] of file.plans.entries()) {
    const { rate_limit: rate, max_rate_limit: maxRate = rate, concurrency, max_concurrency: max = concurrency } = plan;
    const path = ['plans', i];
    const isAbove = maxRate !== 'none' && (rate === 'none' || !isWithin(toRate(rate), toRate(maxRate)));
    if (isAbove) report([...path, 'rate_limit'], `of '${plan.name}' goes beyond its max_rate_limit`);
    if (max !== 'none' && (concurrency === 'none' || concurrency > max))
      report([...path, 'concurrency'], `of '${plan.name}' goes beyond its max_concurrency`);
    checkAllowedSets(file, i, report);
  }
}

function checkAllowedSets(file: Raw, i: number, report: Report): void {
  const { name: plan, allowed_permission_sets: allowed = [] } = file.plans[i]!;
  const path = ['plans', i, 'allowed_permission_sets'];
  const known = new Set(file.permission_sets.map(({ name }) => name));
  for (const [j, name] of allowed.entries()) {
    if (!known.has(name))
      report([...path, j], `the plan '${plan}' allows '${name}', which is not among the permission sets`);
  }
  reportRepeats(
    allowed.map((name, j) => ({ name, path: [...path, j] })),
    'permission set',
    report,
  );
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
