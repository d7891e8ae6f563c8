import type { Clock } from '../../../clock.ts';
import type { SignedAccess } from '../../../http/route.ts';
import { TOLERANCE_SECONDS, isCheckable, passes } from '../signatures.ts';

const SENT_AT = /^t=(\d{1,12})(?:,(?!t=)[^,]*)*$/;

/**
 * Checks Stripe's signature with each of the secrets, by the official library and our clock. The library accepts times in
 * the future; this does not.
 */
export function makeVerifyStripe(secrets: readonly string[], clock: Clock): SignedAccess['verify'] {
  // The library brings the whole client, so it is loaded only where Stripe is configured.
  const loading = import('stripe');
  return async (body, header) => {
    const now = clock().getTime();
    const sentAt = Number(SENT_AT.exec(header)?.[1]);
    if (!isCheckable(body, { sentAt, now, signatures: header.split(',').length })) return false;
    const { signature } = (await loading).default.webhooks;
    if (!signature) throw new Error('the stripe package exports no webhook signature check');
    const payload = body.toString('utf8');
    return secrets.some((secret) =>
      passes(() => signature.verifyHeader(payload, header, secret, TOLERANCE_SECONDS, undefined, now)),
    );
  };
}
