import type { StripeStatus } from '../../../product/stripe-rules.ts';
import type { StripeFact, SubscriptionState } from './stripe-fact.ts';

type StateFact = Extract<StripeFact, { kind: 'state' }>;
type InvoiceFact = Extract<StripeFact, { kind: 'invoice' }>;

/** How a subscription stands, by all its facts. */
export type SubscriptionStanding = {
  subscription: string;
  status: StripeStatus;
  /** Since when its status has had the same meaning; in seconds since 1970. */
  since: number;
  trialEnd: number | null;
  state: SubscriptionState | undefined;
  /** When it was created; 0 while only its invoices are known. */
  born: number;
  ended: boolean;
};

/** More than Stripe sends about a subscription while one webhook is delayed. */
export const MAX_FACTS = 50;

const ENDED: readonly StripeStatus[] = ['canceled', 'incomplete_expired'];

/** Adds a fact to a list, newest first. The same facts give the same list, whatever the order in which they are added. */
export function withFact(known: readonly StripeFact[], fact: StripeFact): StripeFact[] {
  const others = known.filter(({ id }) => id !== fact.id);
  return [...others, fact].toSorted((a, b) => b.at - a.at || compare(b.id, a.id)).slice(0, MAX_FACTS);
}

/**
 * Derives how a subscription stands from all its facts, independent of the order of their arrival. Stripe's times are whole
 * seconds: changes within one second are ordered by what each says was there before it.
 * @param meaningOf the billing status that a status of Stripe maps to; two that map to the same are no change
 */
export function standingOf(
  facts: readonly StripeFact[],
  meaningOf: (status: StripeStatus) => string | undefined,
): SubscriptionStanding | undefined {
  const seconds = [...Map.groupBy(facts, ({ at }) => at)].toSorted(([a], [b]) => a - b);
  let standing: SubscriptionStanding | undefined;
  for (const [at, within] of seconds) {
    const states = within.filter((fact) => fact.kind === 'state');
    const meaningful = states.filter((fact) => meaningOf(statusOf(fact)) !== undefined);
    const meanings = new Set(meaningful.map((fact) => meaningOf(statusOf(fact))));
    // An invoice is a hint; the subscription's own state, if there is one in this second, overrides it.
    for (const invoice of inOrder(within.filter((fact) => fact.kind === 'invoice')))
      standing = moved(standing, hintOf(standing, invoice), invoice, meaningOf);
    if (states.length === 0) continue;
    const last = lastOf(states, standing);
    const saying = meaningful.length > 0 ? lastOf(meaningful, standing) : undefined;
    const passedThrough = meanings.size > 1;
    standing = follow(standing, { last, saying, passedAt: passedThrough ? at : undefined }, meaningOf);
  }
  return standing;
}

type Meaning = (status: StripeStatus) => string | undefined;

/** The result of one second: its last state, and the last whose status has a meaning. */
type Second = { last: StateFact; saying: StateFact | undefined; passedAt: number | undefined };

function follow(
  before: SubscriptionStanding | undefined,
  { last, saying, passedAt }: Second,
  meaningOf: Meaning,
): SubscriptionStanding {
  if (before?.ended) return before;
  const { state, at, born, subscription } = last;
  // A status without a meaning leaves the earlier one in force.
  const { status, trialEnd } = saying || !before ? saidBy(saying ?? last) : before;
  const continues = before !== undefined && meaningOf(before.status) === meaningOf(status);
  const since = passedAt ?? (continues ? before.since : at);
  return { subscription, status, since, trialEnd, state, born, ended: hasEnded(last) };
}

function saidBy(fact: StateFact): Pick<SubscriptionStanding, 'status' | 'trialEnd'> {
  return { status: statusOf(fact), trialEnd: fact.state.trialEnd };
}

function statusOf({ change, state }: StateFact): StripeStatus {
  return change === 'deleted' ? 'canceled' : state.status;
}

function hasEnded(fact: StateFact): boolean {
  return ENDED.includes(statusOf(fact));
}

function moved(
  before: SubscriptionStanding | undefined,
  status: StripeStatus | undefined,
  { at, subscription }: InvoiceFact,
  meaningOf: Meaning,
): SubscriptionStanding | undefined {
  if (status === undefined || meaningOf(status) === undefined) return before;
  if (!before) return { subscription, status, since: at, trialEnd: null, state: undefined, born: 0, ended: false };
  const continues = meaningOf(before.status) === meaningOf(status);
  return { ...before, status, since: continues ? before.since : at };
}

/**
 * The status that an invoice leads to. Only the subscription's newest invoice counts, and only between paying and owing.
 * While the subscription itself is unknown, any invoice counts.
 */
function hintOf(
  standing: SubscriptionStanding | undefined,
  { paid, invoice, aside }: InvoiceFact,
): StripeStatus | undefined {
  if (standing?.ended) return undefined;
  const next = paid ? 'active' : 'past_due';
  if (!standing?.state) return aside ? undefined : next;
  const { latestInvoice } = standing.state;
  if (latestInvoice !== null && latestInvoice !== invoice) return undefined;
  const from: readonly StripeStatus[] = paid ? ['past_due', 'unpaid'] : ['active'];
  return from.includes(standing.status) ? next : undefined;
}

/** Orders failures before payments: an invoice that failed may be paid later, and one that is paid never fails. */
function inOrder(invoices: readonly InvoiceFact[]): InvoiceFact[] {
  return invoices.toSorted((a, b) => Number(a.paid) - Number(b.paid) || compare(a.id, b.id));
}

/** The last of the states within one second. */
function lastOf(facts: readonly StateFact[], before: SubscriptionStanding | undefined): StateFact {
  const ended = facts.filter(hasEnded);
  if (ended.length > 0) return greatest(ended);
  const rest = facts.filter(({ change }) => change !== 'created');
  if (rest.length === 0) return greatest(facts);
  const start = facts.find(({ change }) => change === 'created')?.state ?? before?.state;
  return greatest(ends(rest, start));
}

/**
 * Each change leads from one state to another. Together they end in the state that is entered once more than it is left; if
 * they form a circle, they end where they began.
 */
function ends(facts: readonly StateFact[], start: SubscriptionState | undefined): readonly StateFact[] {
  const balance = new Map<string, number>();
  const add = (state: SubscriptionState, by: number) =>
    balance.set(keyOf(state), (balance.get(keyOf(state)) ?? 0) + by);
  for (const { state, before } of facts) {
    if (!before) continue;
    add(before, -1);
    add(state, 1);
  }
  const resulting = facts.filter(({ state }) => (balance.get(keyOf(state)) ?? 0) > 0);
  // A pause comes without the state before it.
  const apart = facts.filter(({ state }) => !balance.has(keyOf(state)) && (!start || keyOf(state) !== keyOf(start)));
  if (apart.length > 0) return apart;
  if (resulting.length > 0) return resulting;
  const again = start && facts.filter(({ state }) => keyOf(state) === keyOf(start));
  return again && again.length > 0 ? again : facts;
}

function keyOf(state: SubscriptionState): string {
  const { status, trialEnd, latestInvoice, items, cancelAtPeriodEnd, canceledAt, endedAt } = state;
  return JSON.stringify([
    status,
    trialEnd,
    latestInvoice,
    items.map(({ price, product }) => [price, product]),
    cancelAtPeriodEnd,
    canceledAt,
    endedAt,
  ]);
}

function greatest<T extends { id: string }>(facts: readonly T[]): T {
  return facts.reduce((a, b) => (compare(a.id, b.id) > 0 ? a : b));
}

// By code units and not by a locale, so that every replica agrees.
function compare(a: string, b: string): number {
  return a < b ? -1 : Number(a > b);
}
