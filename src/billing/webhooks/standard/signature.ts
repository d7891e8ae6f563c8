import { Webhook } from 'standardwebhooks';
import type { Clock } from '../../../clock.ts';
import type { SignedAccess } from '../../../http/route.ts';
import { isCheckable, passes } from '../signatures.ts';

const SENT_AT = /^\d{1,12}$/;
const MESSAGE_ID = /^[\x21-\x7e]{1,255}$/;

/**
 * Checks a signature of Standard Webhooks with each of the secrets, by the official library. The library reads only the
 * machine's clock, so ours is checked here as well.
 */
export function makeVerifyStandard(secrets: readonly string[], clock: Clock): SignedAccess['verify'] {
  const webhooks = secrets.map((secret) => new Webhook(secret));
  return async (body, signature, header) => {
    const [id = '', sentAt = ''] = [header('webhook-id'), header('webhook-timestamp')];
    if (!MESSAGE_ID.test(id) || !SENT_AT.test(sentAt)) return false;
    const signatures = signature.split(' ').length;
    if (!isCheckable(body, { sentAt: Number(sentAt), now: clock().getTime(), signatures })) return false;
    const headers = { 'webhook-id': id, 'webhook-timestamp': sentAt, 'webhook-signature': signature };
    return webhooks.some((webhook) => passes(() => webhook.verify(body, headers, { jsonParse: false })));
  };
}
