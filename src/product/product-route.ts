import { z } from 'zod';
import { tenantRoute } from '../http/route.ts';
import type { Route } from '../http/route.ts';
import { CiView } from './ci-view.ts';
import type { CiFacts } from './ci-view.ts';
import { variableOf } from './console-rules.ts';
import { daysOf } from './duration.ts';
import { QUOTA_REACHES } from './key-rules.ts';
import type { Product } from './product.ts';
import { TASK_HOLDERS } from './tasks/task-rules.ts';

export type ProductFacts = {
  product: Product;
  /** The WorkOS environments that are configured. */
  environments: readonly ('live' | 'test')[];
  /** The longest grace of a rotation. */
  maxGraceSeconds: number;
  idempotencyWindowMs: number;
  /** What CI policies may have; undefined where no issuer is allowed. */
  ciFacts: CiFacts | undefined;
};

const days = z.int().nullable();

const ProductView = z
  .object({
    name: z.string().describe("The product's name."),
    key_prefix: z.string().nullable().describe("How a live key begins; null for keys in WorkOS's own form."),
    owners: z.array(z.enum(['organization', 'user'])).describe('Owners that keys may have, the default first.'),
    keys_per_user: z
      .object({
        limit: z.int(),
        within: z
          .enum(QUOTA_REACHES)
          .describe('Whether a person has that many in each organization, or in all together.'),
      })
      .nullable()
      .describe('How many active keys a person may have; null where keys belong to the organization alone.'),
    environments: z.array(z.enum(['live', 'test'])).describe('Environments that keys may be created in.'),
    permission_sets: z.boolean().describe('Whether keys are made from permission sets.'),
    chosen_scopes: z.boolean().describe('Whether keys are made from scopes that are chosen one by one.'),
    expiry: z.object({
      default_days: days.describe('Lifetime of a key whose request names none; null: unlimited.'),
      max_days: days.describe("Longest lifetime of a key; null: unlimited. A plan's may be shorter."),
      extendable: z.boolean().describe('Whether the expiry of a key may be moved later.'),
    }),
    rotation: z.object({
      max_grace_seconds: z.int().describe('The longest `grace_seconds` of a rotation.'),
      renews_expiry: z
        .boolean()
        .describe("Whether the new key has the old one's lifetime anew; else it expires when the old one would have."),
    }),
    show_again: z.boolean().describe('Whether a page may show a new secret again while it has it in memory.'),
    idempotency_seconds: z.int().describe('How long an `Idempotency-Key` gives the same answer.'),
    inactivity_minutes: z.int().nullable().describe('Minutes without use after which a session ends; null: none.'),
    webhook_deliveries: z
      .object({
        read_scope: z.string().describe('Scope that shows them.'),
        replay_scope: z.string().describe('Scope that has them delivered again.'),
      })
      .nullable()
      .describe('Who may watch the webhooks that are sent about the organization; null where none are sent.'),
    tasks: z
      .object({
        max: z.int().describe('Most tasks at a time.'),
        per: z.enum(TASK_HOLDERS).describe('Whether they are counted by key, or by owner of keys.'),
        default_seconds: z.int(),
        longest_seconds: z.int(),
      })
      .nullable()
      .describe('Named leases that outlive a request; null where there are none.'),
    ci: CiView.nullable().describe('What CI policies may have; null where CI jobs cannot get keys.'),
    console: z
      .object({
        section: z.string(),
        create: z.string(),
        variable: z.string().describe('Environment variable for a key.'),
        header: z.string().describe('Header that carries a key: its name, with the scheme before the key, if any.'),
        base_url: z.string().nullable().describe("Address of the product's API; null if not configured."),
        revoke: z.enum(['button', 'trash']),
      })
      .describe("The console's words for this product."),
  })
  .meta({ id: 'Product' });

/** Shows callers of any organization the facts of the product that a page for keys needs. */
export function productRoute(facts: ProductFacts): Route {
  const view = viewProduct(facts);
  return tenantRoute({
    operationId: 'getProduct',
    method: 'get',
    path: '/v1/product',
    tag: 'Organization',
    summary: 'Get what the product offers for keys, and its words',
    scope: [],
    billing: 'read',
    responses: { 200: ProductView },
    errors: [],
    fromMemory: () => view,
    handle: () => Promise.resolve(view),
  });
}

function viewProduct({ product, environments, ...facts }: ProductFacts): z.input<typeof ProductView> {
  const { api_keys: keys, console: words } = product;
  return {
    name: product.product,
    key_prefix: keys.format?.live ?? null,
    owners: keys.owners,
    keys_per_user: keys.owners.includes('user')
      ? { limit: keys.keys_per_user, within: keys.keys_per_user_within }
      : null,
    environments: [...environments],
    permission_sets: product.permission_sets.length > 0,
    chosen_scopes: product.chosen_scopes !== undefined,
    expiry: {
      default_days: daysOf(keys.expiry.default) ?? null,
      max_days: daysOf(keys.expiry.longest) ?? null,
      extendable: keys.expiry.extend,
    },
    rotation: { max_grace_seconds: facts.maxGraceSeconds, renews_expiry: keys.expiry.rotation === 'renew' },
    show_again: words.show_again,
    idempotency_seconds: Math.floor(facts.idempotencyWindowMs / 1_000),
    inactivity_minutes: product.sessions.inactivity_minutes ?? null,
    webhook_deliveries: product.webhooks.endpoints.length > 0 ? product.webhooks.deliveries : null,
    tasks: product.tasks ?? null,
    ci: facts.ciFacts ?? null,
    console: {
      section: words.section,
      create: words.create,
      variable: variableOf(product.product, words),
      header: words.header,
      base_url: words.base_url ?? null,
      revoke: words.revoke,
    },
  };
}
