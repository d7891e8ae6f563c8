import { invalidFields } from '../../http/validate.ts';
import { beyondPolicy } from '../policies/ceiling.ts';
import type { ExchangeBody } from './exchange-schemas.ts';

const OF_KEYS = ['permission_set', 'scopes', 'environment'] as const;

/** The longest that a CI session lives: 15 minutes. */
export const MAX_SESSION_SECONDS = 15 * 60;

/**
 * Returns how long the CI session of a job is to live, in seconds.
 * @throws AppError `validation_error` for what belongs to a key, `permission_denied` for longer than a session may live
 */
export function wantedSession(sent: ExchangeBody): number {
  const faults = OF_KEYS.filter((name) => sent[name] !== undefined);
  if (faults.length > 0)
    throw invalidFields(
      Object.fromEntries(faults.map((name) => [name, 'A CI session names this when it creates a key. Leave it out.'])),
    );
  const { lifetime_seconds: seconds = MAX_SESSION_SECONDS } = sent;
  if (seconds > MAX_SESSION_SECONDS) throw beyondPolicy({ max_lifetime_seconds: MAX_SESSION_SECONDS });
  return seconds;
}
