import * as fc from 'fast-check';
import { BASE, invoice, stripeEvent, subscription } from './send.ts';

/** What may happen to one subscription, as Stripe lets it; `after` is how many seconds pass before, often none. */
type Deed = 'go' | 'pay' | 'fail' | 'flip' | 'cancel' | 'warn' | 'open' | 'pause' | 'resume' | 'give_up' | 'bill';
export type Step = { do: Deed; after: number };
export type StripeEvent = ReturnType<typeof stripeEvent>;

export const step: fc.Arbitrary<Step> = fc.record({
  do: fc.constantFrom<Deed[]>(
    ...(['go', 'pay', 'pay', 'fail', 'fail', 'flip', 'flip', 'cancel', 'warn', 'open'] as const),
    ...(['pause', 'resume', 'resume', 'give_up', 'bill', 'bill'] as const),
  ),
  after: fc.constantFrom(0, 0, 0, 1, 2, 50),
});

type Life = {
  id: string;
  status: string;
  born: number;
  price: string;
  invoice: number;
  trialEnd: number | null;
  canceledAt: number | null;
};

/** What Stripe would tell, in the order in which it happens, and what the organization is in the end. */
export function historyOf(steps: readonly Step[]): { events: StripeEvent[]; last: object } {
  const events: StripeEvent[] = [];
  const lives: Life[] = [];
  let now = 0;
  const tell = (type: string, life: Life, previous?: object) =>
    events.push(
      stripeEvent(`customer.subscription.${type}`, objectOf(life), {
        created: BASE + now,
        ...(previous && { previous }),
      }),
    );
  const bill = (type: 'paid' | 'payment_failed', life: Life, reason = 'subscription_cycle') => {
    const about = { subscription_details: { subscription: life.id, metadata: {} } };
    const fields = { id: `in_${life.invoice}`, billing_reason: reason, parent: about };
    events.push(stripeEvent(`invoice.${type}`, invoice(fields), { created: BASE + now }));
  };
  for (const one of [{ do: 'open' as const, after: 0 }, ...steps]) {
    now += one.after;
    const life = lives.at(-1);
    if (!life || one.do === 'open') open();
    else if (!['canceled', 'incomplete_expired'].includes(life.status)) change(life, one.do);
  }
  return { events, last: expected(lives) };

  function open(): void {
    // Two that are made within one second have no first and second for anybody who looks from outside.
    if (lives.some(({ born }) => born === BASE + now)) now += 1;
    const trial = lives.length === 0;
    const id = `sub_${lives.length}`;
    const trialEnd = trial ? BASE + now + 99 : null;
    const life = {
      id,
      status: trial ? 'trialing' : 'incomplete',
      born: BASE + now,
      price: 'price_a',
      invoice: 1,
      trialEnd,
      canceledAt: null,
    };
    lives.push(life);
    tell('created', life);
    if (trial) return;
    life.status = 'active';
    tell('updated', life, { status: 'incomplete' });
    bill('paid', life, 'subscription_create');
  }

  /** From one status to another, where it is so; of some there is a word of its own besides. */
  function go(life: Life, from: readonly string[], status: string, word?: 'paused' | 'resumed'): boolean {
    if (!from.includes(life.status)) return false;
    const previous = { status: life.status };
    life.status = status;
    tell('updated', life, previous);
    if (word) tell(word, life);
    return true;
  }

  function change(life: Life, what: Step['do']): void {
    const before = { status: life.status, latest_invoice: `in_${life.invoice}`, price: life.price };
    if (what === 'warn') {
      tell('trial_will_end', life);
    } else if (what === 'cancel') {
      Object.assign(life, { status: 'canceled', canceledAt: BASE + now });
      tell('deleted', life);
    } else if (what === 'flip') {
      life.price = life.price === 'price_a' ? 'price_b' : 'price_a';
      tell('updated', life, { items: itemsOf(before.price) });
    } else if (what === 'fail' && life.status === 'active') {
      Object.assign(life, { status: 'past_due', invoice: life.invoice + 1 });
      tell('updated', life, { status: before.status, latest_invoice: before.latest_invoice });
      bill('payment_failed', life);
    } else if (what === 'pay') {
      if (go(life, ['past_due', 'unpaid'], 'active')) bill('paid', life);
    } else if (what === 'bill' && life.status !== 'trialing' && life.status !== 'paused') {
      // Tried once more in vain, or told late: it says what is so.
      bill(life.status === 'active' ? 'paid' : 'payment_failed', life);
    } else if (what === 'go') {
      go(life, ['trialing'], 'active');
    } else if (what === 'pause') {
      go(life, ['trialing'], 'paused', 'paused');
    } else if (what === 'resume') {
      go(life, ['paused'], 'active', 'resumed');
    } else if (what === 'give_up') {
      go(life, ['past_due'], 'unpaid');
    }
  }
}

const itemsOf = (price: string) => ({
  object: 'list',
  data: [{ id: 'si_1', price: { id: price, product: 'prod_1' } }],
});

function objectOf({ id, status, born, price, invoice, trialEnd, canceledAt }: Life) {
  return subscription({
    id,
    status,
    created: born,
    items: itemsOf(price),
    latest_invoice: `in_${invoice}`,
    trial_end: trialEnd,
    canceled_at: canceledAt,
    ended_at: canceledAt,
  });
}

/** By the rules of the documents alone: the newest that has not ended, else the newest. */
function expected(lives: readonly Life[]): object {
  const open = lives.filter(({ status }) => status !== 'canceled');
  const life = (open.length > 0 ? open : lives).toSorted((a, b) => b.born - a.born)[0]!;
  const meaning: Record<string, string> = {
    trialing: 'trial',
    active: 'active',
    past_due: 'past_due',
    unpaid: 'past_due',
    paused: 'past_due',
    canceled: 'decommissioning',
  };
  return { billing_status: meaning[life.status], plan: life.price === 'price_a' ? 'standard' : 'scale' };
}
