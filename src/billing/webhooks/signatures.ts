import { isUtf8 } from 'node:buffer';

/** The tolerance of Stripe's library and of Standard Webhooks. An attacker cannot replay an older webhook. */
export const TOLERANCE_SECONDS = 300;
/** While a secret is being changed, a sender signs with two or three. */
const MAX_SIGNATURES = 10;

/** Whether a signature may be checked at all: sent lately, over text, with few alternatives. */
export function isCheckable(
  body: Buffer,
  { sentAt, now, signatures }: { sentAt: number; now: number; signatures: number },
): boolean {
  const isRecent = Math.abs(now / 1_000 - sentAt) <= TOLERANCE_SECONDS;
  // The libraries check text, and would decode every invalid byte to the same replacement character.
  return isRecent && isUtf8(body) && signatures <= MAX_SIGNATURES;
}

/** Whether a library's check passes; the libraries throw when it does not. */
export function passes(check: () => unknown): boolean {
  try {
    check();
    return true;
  } catch {
    return false;
  }
}
