import { Webhook } from 'standardwebhooks';
import type { Send } from './deliver.ts';
import type { DeliveryError } from './deliveries/delivery.ts';

type Options = { url: string; secrets: readonly string[]; userAgent: string; timeoutMs?: number };

const TIMEOUT_MS = 10_000;

/**
 * Sends webhooks to one endpoint by Standard Webhooks, signed with every secret so that one can be replaced by another. A
 * 2xx answer in time is a delivery. A redirect is a failure, and the body of the answer is not read.
 */
export function makeSendWebhook({ url, secrets, userAgent, timeoutMs = TIMEOUT_MS }: Options): Send {
  const signers = secrets.map((secret) => new Webhook(secret));
  return async ({ id, body }, signal) => {
    // The machine's time, because receivers compare it with theirs.
    const sentAt = new Date();
    const deadline = AbortSignal.timeout(timeoutMs);
    try {
      const response = await fetch(url, {
        method: 'POST',
        redirect: 'manual',
        headers: {
          'content-type': 'application/json',
          'user-agent': userAgent,
          'webhook-id': id,
          'webhook-timestamp': `${Math.floor(sentAt.getTime() / 1_000)}`,
          'webhook-signature': signers.map((signer) => signer.sign(id, sentAt, body)).join(' '),
        },
        body,
        signal: AbortSignal.any([signal, deadline]),
      });
      void response.body?.cancel().catch(() => undefined);
      const { ok, status } = response;
      if (ok) return { delivered: true, status };
      return { ...failed('http_error', `answered ${status}`), status };
    } catch (error) {
      if (signal.aborted) throw error;
      if (deadline.aborted) return failed('timeout', `no answer within ${timeoutMs} ms`);
      return failed('connection_failed', `no answer: ${codeOf(error)}`);
    }
  };
}

function failed(error: DeliveryError, failure: string) {
  return { delivered: false, failure, error, final: false } as const;
}

/** Never the message, which may quote the address. */
function codeOf(error: unknown): string {
  const { cause } = error as { cause?: unknown };
  const code = cause instanceof Error && 'code' in cause ? String(cause.code) : undefined;
  return (code ?? (error instanceof Error ? error.name : 'unknown')).slice(0, 100);
}
