import type { StripeStatus } from '../../../product/stripe-rules.ts';
import type { StripeFact, SubscriptionState } from './stripe-fact.ts';

type StateFact = Extract<StripeFact, { kind: 'state' }>;
type InvoiceFact = Extract<StripeFact, { kind: 'invoice' }>;

/** How a subscription stands, as what is known of it says. */
export type SubscriptionStanding = {
  subscription: string;
  status: StripeStatus;
  /** Since when its status has meant what it means; in seconds, as all moments of Stripe. */
  since: number;
  /** Of a trial. */
  trialEnd: number | null;
  state: SubscriptionState | undefined;
  /** When it was made; 0 while only its invoices are known. */
  born: number;
  ended: boolean;
};

/** More than Stripe can tell of a subscription while a hook is late. */
export const MAX_FACTS = 50;

const ENDED: readonly StripeStatus[] = ['canceled', 'incomplete_expired'];

/** Adds a fact to what is known, the newest first; the same facts make the same list in whatever order they are added. */
export function withFact(known: readonly StripeFact[], fact: StripeFact): StripeFact[] {
  const others = known.filter(({ id }) => id !== fact.id);
  return [...others, fact].toSorted((a, b) => b.at - a.at || compare(b.id, a.id)).slice(0, MAX_FACTS);
}

/**
 * Judges a subscription by everything that is known of it, never by the order in which it was heard. Stripe tells moments
 * in whole seconds: what happened within one is put in order by what each change says was there before it.
 * @param meaningOf what a status comes to; a change between two that come to the same is none
 */
export function standingOf(
  facts: readonly StripeFact[],
  meaningOf: (status: StripeStatus) => string | undefined,
): SubscriptionStanding | undefined {
  const seconds = [...Map.groupBy(facts, ({ at }) => at)].toSorted(([a], [b]) => a - b);
  let standing: SubscriptionStanding | undefined;
  for (const [at, within] of seconds) {
    const states = within.filter((fact) => fact.kind === 'state');
    const telling = states.filter((fact) => meaningOf(statusOf(fact)) !== undefined);
    const meanings = new Set(telling.map((fact) => meaningOf(statusOf(fact))));
    // What an invoice makes likely, the subscription's own word confirms or denies.
    for (const invoice of inOrder(within.filter((fact) => fact.kind === 'invoice')))
      standing = moved(standing, hintOf(standing, invoice), invoice, meaningOf);
    if (states.length === 0) continue;
    const last = lastOf(states, standing);
    const saying = telling.length > 0 ? lastOf(telling, standing) : undefined;
    const passedThrough = meanings.size > 1;
    standing = follow(standing, { last, saying, passedAt: passedThrough ? at : undefined }, meaningOf);
  }
  return standing;
}

type Meaning = (status: StripeStatus) => string | undefined;

/** What a second comes to: its last state, and the last that says something. */
type Second = { last: StateFact; saying: StateFact | undefined; passedAt: number | undefined };

function follow(
  before: SubscriptionStanding | undefined,
  { last, saying, passedAt }: Second,
  meaningOf: Meaning,
): SubscriptionStanding {
  if (before?.ended) return before;
  const { state, at, born, subscription } = last;
  // A status that says nothing takes nothing back: what was said before it is still so.
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
 * Where an invoice leads: only the newest of a subscription decides, and only from paying to owing and back. While nothing
 * else is known of the subscription, it is what the invoice says.
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

/** An invoice that failed is paid later; one that is paid never fails. */
function inOrder(invoices: readonly InvoiceFact[]): InvoiceFact[] {
  return invoices.toSorted((a, b) => Number(a.paid) - Number(b.paid) || compare(a.id, b.id));
}

/** Which of the states of one second was the last. */
function lastOf(facts: readonly StateFact[], before: SubscriptionStanding | undefined): StateFact {
  const ended = facts.filter(hasEnded);
  if (ended.length > 0) return greatest(ended);
  const rest = facts.filter(({ change }) => change !== 'created');
  if (rest.length === 0) return greatest(facts);
  const start = facts.find(({ change }) => change === 'created')?.state ?? before?.state;
  return greatest(ends(rest, start));
}

/**
 * Each change leads from a state to a state; the last is where they lead as a whole: into one state once more than out of
 * it, or, when they lead in a circle, back to where they began.
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
  // A pause that comes with no word of what was before it.
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
