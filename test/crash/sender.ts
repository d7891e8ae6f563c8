import { setTimeout as sleep } from 'node:timers/promises';
import { Webhook } from 'standardwebhooks';
import { trialEnd } from './billing.ts';
import type { PlannedWebhook, Said } from './billing.ts';
import { send } from './http.ts';
import type { Answer } from './http.ts';

export type SentWebhook = Said & { id: string; tries: number };
/** All messages of one organization; a trial that they speak of is counted from `from`. */
export type Billed = { from: Date; incoming: SentWebhook[] };

type Deps = {
  url: () => string;
  organizationId: string;
  secret: string;
  /** What no sender should ever see. */
  complain: (what: string) => void;
  newId: () => string;
};

const RETRY_MS = 100;
const GIVE_UP_MS = 60_000;
const APART_MS = 1_000;

export type Sender = ReturnType<typeof makeSender>;

/** A billing as it should be: sends one message after the other, each until it is answered with 2xx. */
export function makeSender({ url, organizationId, secret, complain, newId }: Deps) {
  const webhook = new Webhook(secret);

  function trySend(id: string, body: object): Promise<Answer | undefined> {
    const sentAt = new Date();
    const headers = {
      'webhook-id': id,
      'webhook-timestamp': String(Math.floor(sentAt.getTime() / 1_000)),
      'webhook-signature': webhook.sign(id, sentAt, JSON.stringify(body)),
    };
    return send(url(), 'POST', '/v1/hooks/billing', { body, headers });
  }

  async function insist(webhook: SentWebhook, body: object): Promise<string> {
    const giveUpAt = performance.now() + GIVE_UP_MS;
    while (performance.now() < giveUpAt) {
      webhook.tries += 1;
      const answer = await trySend(webhook.id, body);
      if (answer && answer.status < 300) return String(answer.body['outcome']);
      if (answer && answer.status < 500) throw new Error(`webhook ${webhook.id} was answered with ${answer.status}`);
      if (answer?.status === 500) complain(`webhook ${webhook.id} was answered with 500`);
      await sleep(RETRY_MS);
    }
    throw new Error(`webhook ${webhook.id} had no answer for a minute`);
  }

  async function sendOne({ says, again }: PlannedWebhook, occurredAt: Date, { from, incoming }: Billed): Promise<void> {
    const webhook = { id: `msg_${newId()}`, says, occurredAt, tries: 0 };
    const body = bodyOf(organizationId, webhook, from);
    const outcome = await insist(webhook, body);
    if (outcome === 'repeated' && webhook.tries === 1)
      complain(`webhook ${webhook.id} was new and taken for a repetition`);
    incoming.push(webhook);
    if (!again) return;
    const second = await insist(webhook, body);
    if (second !== 'repeated') complain(`webhook ${webhook.id} was ${second} when it came again`);
  }

  return async function bill(planned: readonly PlannedWebhook[], billed: Billed): Promise<void> {
    let at = billed.from.getTime() - APART_MS * planned.length;
    for (const one of planned) {
      await sleep(one.pauseMs);
      at += APART_MS;
      await sendOne(one, new Date(at), billed);
    }
  };
}

function bodyOf(organizationId: string, { says, occurredAt }: Said, from: Date): object {
  const { status, plan, keyLimit } = says;
  const end = trialEnd(says, from);
  return {
    type: 'tenant.billing_updated',
    timestamp: occurredAt.toISOString(),
    data: {
      organization_id: organizationId,
      status,
      occurred_at: occurredAt.toISOString(),
      ...(end !== null && { trial_ends_at: end }),
      ...(plan && { plan }),
      ...(keyLimit !== undefined && { key_limit: keyLimit }),
    },
  };
}
