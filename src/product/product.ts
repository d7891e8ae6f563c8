import { z } from 'zod';
import { BILLING_STATUSES } from '../tenants/posture.ts';
import { isIpRange } from '../ip/ip-range.ts';
import { isWithin } from '../limits/effective-limits.ts';
import type { RateLimit } from '../limits/limits.ts';
import { ApiRules, HostRules } from './api/api-rules.ts';
import { BillingRules } from './billing-rules.ts';
import { checkApiRules } from './api/check-api-rules.ts';
import { CiRules, checkCiRules } from './ci-rules.ts';
import { ImportRules, checkImportRules } from './imports/import-rules.ts';
import { ConsoleRules } from './console-rules.ts';
import { KeyRules, checkKeyRules, leakResponse } from './key-rules.ts';
import { WebhookRules } from './webhook-rules.ts';
import { ScopeGroup, description, scope } from './scope-group.ts';
import { SessionRules } from './session-rules.ts';
import { StripeRules, plansNamed } from './stripe-rules.ts';
import { TaskRules, checkTaskRules } from './tasks/task-rules.ts';

const name = z
  .string()
  .regex(/^[a-z][a-z0-9_-]{0,63}$/, 'must have at most 64 lower-case letters, digits, _ or -, and begin with a letter');
const addressRange = z.string().max(64).refine(isIpRange, 'must be an IP address or a CIDR range');

const rateLimit = z
  .strictObject({
    limit: z.int().min(1).max(10_000_000).describe('Most requests in one window.'),
    window_seconds: z
      .int()
      .min(1)
      .max(86_400)
      .describe('Length of a window, which begins with the first request in it.'),
  })
  .describe('Most requests in a fixed window.');
/** Converts a configured rate. */
export function toRate({ limit, window_seconds: windowSeconds }: z.output<typeof rateLimit>): RateLimit {
  return { limit, windowSeconds };
}

const concurrency = z.int().min(1).max(100_000).describe('Most requests that are in flight at once.');
const none = z.literal('none');

const PermissionSet = z.strictObject({
  name: name.describe('Name of the set, which clients send as `permission_set`.'),
  description: description.describe('What a key made from this set may do.'),
  scopes: z.array(scope).min(1).max(200).describe('Scopes that a key made from this set holds.'),
  rate_limit: rateLimit.optional().describe("Rate limit of each key made from this set, up to the plan's maximum."),
  concurrency: concurrency
    .optional()
    .describe("Most requests in flight of each key made from this set, up to the plan's maximum."),
  leak_response: leakResponse,
  staff: z
    .boolean()
    .default(false)
    .describe("Whether staff may create, list and revoke keys of this set for a customer's organization."),
});

const Plan = z.strictObject({
  name: name.describe('Name of the plan, which billing sends as `plan`.'),
  key_limit: z.int().min(0).max(1_000_000).describe('Most active keys of an organization on this plan.'),
  ci_key_limit: z
    .int()
    .min(0)
    .max(1_000_000)
    .default(100)
    .describe('Most active keys of CI jobs of an organization on this plan; `key_limit` does not count them.'),
  rate_limit: z
    .union([rateLimit, none])
    .default({ limit: 100, window_seconds: 60 })
    .describe('Rate limit of each key, unless the key or its set has its own.'),
  max_rate_limit: z
    .union([rateLimit, none])
    .optional()
    .describe('Highest rate limit that a key or its set may have; `rate_limit`, if not given.'),
  concurrency: z
    .union([concurrency, none])
    .default(10)
    .describe('Most requests in flight of each key, unless the key or its set has its own.'),
  max_concurrency: z
    .union([concurrency, none])
    .optional()
    .describe('Highest concurrency that a key or its set may have; `concurrency`, if not given.'),
  organization_rate_limit: z
    .union([rateLimit, none])
    .default('none')
    .describe('Rate limit of all keys of an organization together.'),
  allowed_permission_sets: z
    .array(name)
    .min(1)
    .max(50)
    .optional()
    .describe('Sets that a new key may be made from; all, if not given. Existing keys stay as they are.'),
  max_expiry_days: z
    .union([z.int().min(1).max(3_650), none])
    .default('none')
    .describe(
      'Longest lifetime of a new key, and its lifetime where the request names none. Existing keys stay as they are.',
    ),
});

const FirstPosture = z
  .strictObject({
    status: z.enum(BILLING_STATUSES).describe('Billing status of a new organization.'),
    trial_days: z
      .int()
      .min(1)
      .max(3_650)
      .optional()
      .describe('Length of the trial, from the creation of the organization; only and always with `status: trial`.'),
  })
  .refine(({ status, trial_days: days }) => (status === 'trial') === (days !== undefined), {
    path: ['trial_days'],
    message: 'trial_days is required for a trial, and allowed for nothing else',
  })
  .describe(
    'Billing of an organization that WorkOS has created, until billing states another; posture `unknown`, if not given.',
  );

/** The file that defines a product. `npm run schema` writes its JSON Schema from this. */
export const ProductFile = z
  .strictObject({
    product: z.string().min(1).max(64).describe("The product's name, shown to people."),
    api_keys: KeyRules.describe('What keys look like, who owns them and when they expire.'),
    scopes: z.array(ScopeGroup).min(1).max(50).describe('Every scope, in the groups that people see.'),
    never_granted: z.array(scope).max(200).describe('Scopes that no API key ever holds.'),
    permission_sets: z
      .array(PermissionSet)
      .max(50)
      .default([])
      .describe('Closed, named lists of scopes that keys are made from.'),
    follow_permission_sets: z
      .boolean()
      .default(false)
      .describe(
        'Whether existing keys follow a change of their permission set; else they keep the scopes that they were made with.',
      ),
    chosen_scopes: z
      .array(scope)
      .min(1)
      .max(200)
      .optional()
      .describe('Scopes that a key may be made from one by one, instead of from a set; none, if not given.'),
    plans: z.array(Plan).min(1).max(50).describe('The limits that the product sells, by name.'),
    default_plan: name.describe('Plan of an organization for which billing named none.'),
    tasks: TaskRules.optional(),
    first_posture: FirstPosture.optional(),
    billing: BillingRules,
    webhooks: WebhookRules,
    stripe: StripeRules,
    sessions: SessionRules,
    console: ConsoleRules,
    ci: CiRules,
    imports: ImportRules,
    api: ApiRules.optional(),
    organization_hosts: HostRules.optional(),
    outbound_addresses: z
      .array(
        z.strictObject({
          address: addressRange.describe('IP address, or a range in CIDR form.'),
          description: description.optional().describe('What calls come from there.'),
        }),
      )
      .max(100)
      .default([])
      .describe(
        'Addresses from which the product calls its customers, for their firewalls; `GET /v1/outbound-addresses` lists them.',
      ),
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
  checkImplied(file, known, report);
  checkSets(file, known, report);
  checkChosen(file, known, report);
  checkKeyRules(file.api_keys, (path, message) => report(['api_keys', ...path], message));
  checkPlans(file, report);
  checkImportRules(file.imports, file.api_keys.format, (path, message) => report(['imports', ...path], message));
  checkCiRules(file.ci, (path, message) => report(['ci', ...path], message));
  if (file.tasks) checkTaskRules(file.tasks, (path, message) => report(['tasks', ...path], message));
  if (file.api) {
    const { prefixes, format } = file.api_keys;
    const all = [...prefixes, ...(format ? [format.live] : []), ...(format?.test === undefined ? [] : [format.test])];
    const context = { prefixes: all, console: file.console.enabled };
    checkApiRules(file.api, context, (path, message) => report(['api', ...path], message));
  }
  if (!file.plans.some((plan) => plan.name === file.default_plan))
    report(['default_plan'], `'${file.default_plan}' is not among the plans`);
  for (const { plan, path } of plansNamed(file.stripe))
    if (!file.plans.some(({ name }) => name === plan)) report(['stripe', ...path], `'${plan}' is not among the plans`);
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

function checkImplied(file: Raw, known: ReadonlySet<string>, report: Report): void {
  for (const [g, group] of file.scopes.entries()) {
    for (const [s, { name, implies = [] }] of group.scopes.entries()) {
      for (const [i, implied] of implies.entries()) {
        const path = ['scopes', g, 'scopes', s, 'implies', i];
        if (!known.has(implied)) report(path, `'${name}' implies '${implied}', which is not among the scopes`);
        if (implied === name) report(path, `'${name}' implies itself`);
      }
    }
  }
}

function checkChosen(file: Raw, known: ReadonlySet<string>, report: Report): void {
  const { chosen_scopes: chosen, permission_sets: sets } = file;
  if (!chosen && sets.length === 0)
    report(['permission_sets'], 'is empty, and so is chosen_scopes; configure at least one of the two');
  for (const [i, name] of (chosen ?? []).entries()) {
    if (!known.has(name)) report(['chosen_scopes', i], `'${name}' is not among the scopes`);
    if (file.never_granted.includes(name)) report(['chosen_scopes', i], `'${name}' is never granted`);
  }
  reportRepeats(
    (chosen ?? []).map((name, i) => ({ name, path: ['chosen_scopes', i] })),
    'scope',
    report,
  );
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
