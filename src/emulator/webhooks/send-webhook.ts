import { createHmac } from 'node:crypto';
import type { WebhookRow } from './webhook-store.ts';

const TIMEOUT_MS = 5_000;

/** Whether the endpoint took the event (2xx). Everything else, a redirect included, is a failure. */
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

/** The machine's own time, whatever clock the emulator runs on: a receiver compares it with its own. */
function signature(secret: string, body: string): string {
  const sentAt = Date.now();
  return `t=${sentAt}, v1=${createHmac('sha256', secret).update(`${sentAt}.${body}`).digest('hex')}`;
}
