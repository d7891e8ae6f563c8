import { createHash } from 'node:crypto';
import { AppError } from '../../errors.ts';
import type { Limiter } from '../../limits/limiter.ts';
import { networkOf } from '../../ip/network.ts';

type Scope = 'address' | 'account';
type Deps = {
  limiter: Pick<Limiter, 'takeRate'>;
  perMinute: number;
  perAccountMinute: number;
  /** Counts each attempt as a metric. */
  count: (scope: Scope, outcome: 'taken' | 'refused') => void;
};

export type SignInRates = ReturnType<typeof makeSignInRates>;

/** The share that one network keeps of an account's limit while all networks together exceed the limit. */
const SHARE_UNDER_ATTACK = 0.3;
const WINDOW_SECONDS = 60;

/**
 * Limits sign-in attempts by network, and by account within a network, whether the account exists or not. Attempts from
 * other networks never lock a person out. They only lower the account's limit on each network.
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
  return new AppError('rate_limited', 'Too many sign-in attempts. Wait and try again.', {
    details: { retry_after: retryAfter, ...details },
  });
}

/** A hash, so that no e-mail address lies in Redis or in memory. */
function accountName(email: string): string {
  return createHash('sha256').update(email.trim().toLowerCase()).digest('base64url');
}
