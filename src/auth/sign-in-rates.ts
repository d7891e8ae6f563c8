import { createHash } from 'node:crypto';
import { AppError } from '../errors.ts';
import type { Limiter } from '../limits/limiter.ts';
import { networkOf } from '../limits/network.ts';

type Deps = { limiter: Pick<Limiter, 'takeRate'>; perMinute: number };

export type SignInRates = ReturnType<typeof makeSignInRates>;

/** As many as WorkOS lets one account be tried with. */
const ACCOUNT_PER_MINUTE = 10;
const WINDOW_SECONDS = 60;

/** How often sign-in may be tried, from one address and for one account, whether there is such an account or not. */
export function makeSignInRates({ limiter, perMinute }: Deps) {
  async function take(scope: 'address' | 'account', name: string, limit: number): Promise<void> {
    const rate = { limit, windowSeconds: WINDOW_SECONDS };
    const { refused, resetSeconds, enforcement } = await limiter.takeRate(`sign_in ${scope} ${name}`, rate, 1);
    if (refused) throw tooMany(resetSeconds, { enforcement, limit, window_seconds: WINDOW_SECONDS, scope });
  }

  return {
    fromAddress: (address: string | undefined) => take('address', networkOf(address), perMinute),
    forAccount: (email: string) => take('account', nameOf(email), ACCOUNT_PER_MINUTE),
  };
}

export function tooMany(retryAfter: number, details: object = {}): AppError {
  return new AppError('rate_limited', 'Sign-in was tried too often. Wait a little.', {
    details: { retry_after: retryAfter, ...details },
  });
}

/** Nobody's e-mail address lies in Redis. */
function nameOf(email: string): string {
  return createHash('sha256').update(email.trim().toLowerCase()).digest('base64url');
}
