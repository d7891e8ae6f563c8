import { createHmac } from 'node:crypto';
import type { WebhookRow } from './webhook-store.ts';

const TIMEOUT_MS = 5_000;

/** Returns whether the endpoint accepted the event with 2xx. A redirect is a failure. */
export async function sendWebhook(
  { endpoint_url: url, secret }: WebhookRow,
  body: string,
  closing: AbortSignal,
): Promise<boolean> {
  try {
    const response = await fetch(url, {
      method: 'POST',
      headers: {
        'content-type': 'application/json',
        'user-agent': 'local-workos',
        'workos-signature': signature(secret, body),
      },
      body,
      redirect: 'manual',
      signal: AbortSignal.any([closing, AbortSignal.timeout(TIMEOUT_MS)]),
    });
    await response.body?.cancel();
    return response.ok;
  } catch {
    return false;
  }
}

/** Signs with the machine's time, not the emulator's clock, because receivers compare it with theirs. */
function signature(secret: string, body: string): string {
  const sentAt = Date.now();
  return `t=${sentAt}, v1=${createHmac('sha256', secret).update(`${sentAt}.${body}`).digest('hex')}`;
}
