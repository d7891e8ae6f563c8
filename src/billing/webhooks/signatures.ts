import { isUtf8 } from 'node:buffer';
import { Webhook } from 'standardwebhooks';
import type { Clock } from '../../clock.ts';
import type { SignedAccess } from '../../http/route.ts';

type Verify = SignedAccess['verify'];

/** Of Stripe's library and of Standard Webhooks' both: what was recorded on the way is worth nothing after it. */
const TOLERANCE_SECONDS = 300;
const STRIPE_SENT_AT = /^t=(\d{1,12})(?:,(?!t=)[^,]*)*$/;
const SENT_AT = /^\d{1,12}$/;
const MESSAGE_ID = /^[\x21-\x7e]{1,255}$/;
/** While a secret is changed a sender signs with two or three. */
const MAX_SIGNATURES = 10;

/**
 * Whether Stripe signed a body, lately, with any of the secrets: the official library's check, by our clock. It leaves
 * times in the future to us.
 */
export function makeVerifyStripe(secrets: readonly string[], clock: Clock): Verify {
  // The whole client comes with it, and is loaded only where somebody uses it.
  const loading = import('stripe');
  return async (body, header) => {
    const now = clock().getTime();
    const sentAt = Number(STRIPE_SENT_AT.exec(header)?.[1]);
    // Bytes that are no text would all be read as the same one.
    if (!isNear(sentAt, now) || !isUtf8(body) || header.split(',').length > MAX_SIGNATURES) return false;
    const { signature } = (await loading).default.webhooks;
    if (!signature) throw new Error('the library of Stripe checks no signatures');
    const payload = body.toString('utf8');
    return secrets.some((secret) =>
      holds(() => signature.verifyHeader(payload, header, secret, TOLERANCE_SECONDS, undefined, now)),
    );
  };
}

/**
 * Whether a body was signed as Standard Webhooks has it, lately, with any of the secrets: the official library's check. It
 * knows the machine's time alone; ours is asked, too.
 */
export function makeVerifyStandard(secrets: readonly string[], clock: Clock): Verify {
  const webhooks = secrets.map((secret) => new Webhook(secret));
  return async (body, signature, header) => {
    const [id = '', sentAt = ''] = [header('webhook-id'), header('webhook-timestamp')];
    if (!MESSAGE_ID.test(id) || !SENT_AT.test(sentAt) || !isNear(Number(sentAt), clock().getTime())) return false;
    if (!isUtf8(body) || signature.split(' ').length > MAX_SIGNATURES) return false;
    const headers = { 'webhook-id': id, 'webhook-timestamp': sentAt, 'webhook-signature': signature };
    return webhooks.some((webhook) => holds(() => webhook.verify(body, headers, { jsonParse: false })));
  };
}

function isNear(seconds: number, nowMs: number): boolean {
  return Math.abs(nowMs / 1_000 - seconds) <= TOLERANCE_SECONDS;
}

function holds(check: () => unknown): boolean {
  try {
    check();
    return true;
  } catch {
    return false;
  }
}
