import { createHash } from 'node:crypto';
import { AppError } from '../../errors.ts';
import type { Limiter } from '../../limits/limiter.ts';
import { networkOf } from '../../ip/network.ts';

type Scope = 'address' | 'account';
type Deps = {
  limiter: Pick<Limiter, 'takeRate'>;
  perMinute: number;
  perAccountMinute: number;
  /** Told of each try that there was room for, or not. */
  count: (scope: Scope, outcome: 'taken' | 'refused') => void;
};

export type SignInRates = ReturnType<typeof makeSignInRates>;

/** Of what one network may try an account with, once more than that is tried from all networks together. */
const SHARE_UNDER_ATTACK = 0.3;
const WINDOW_SECONDS = 60;

/**
 * How often sign-in may be tried from one address, and for one account from one network, whether there is such an
 * account or not. No number of strangers locks a person out: what is tried from elsewhere does not count here. It slows
 * everybody down: an account that is tried from many networks can be tried less often from each.
 */
export function makeSignInRates({ limiter, perMinute, perAccountMinute, count }: Deps) {
  const underAttack = Math.max(1, Math.floor(perAccountMinute * SHARE_UNDER_ATTACK));
  const takeRate = (name: string, limit: number) =>
    limiter.takeRate(`sign_in ${name}`, { limit, windowSeconds: WINDOW_SECONDS }, 1);

  async function take(scope: Scope, name: string, limit: number): Promise<void> {
    const { refused, resetSeconds, enforcement } = await takeRate(`${scope} ${name}`, limit);
    count(scope, refused ? 'refused' : 'taken');
    if (refused) throw tooMany(resetSeconds, { enforcement, limit, window_seconds: WINDOW_SECONDS, scope });
  }

  return {
    fromAddress: (address: string | undefined) => take('address', networkOf(address), perMinute),

    async forAccount(email: string, address: string | undefined): Promise<void> {
      const account = accountName(email);
      const { refused: isAttacked } = await takeRate(`account ${account}`, perAccountMinute);
      await take('account', `${account} ${networkOf(address)}`, isAttacked ? underAttack : perAccountMinute);
    },
  };
}

export function tooMany(retryAfter: number, details: object = {}): AppError {
  return new AppError('rate_limited', 'Sign-in was tried too often. Wait a little.', {
    details: { retry_after: retryAfter, ...details },
  });
}

/** Nobody's e-mail address lies in Redis, or in memory. */
function accountName(email: string): string {
  return createHash('sha256').update(email.trim().toLowerCase()).digest('base64url');
}
