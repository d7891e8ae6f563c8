import type { Logger } from 'pino';
import type { Clock } from '../clock.ts';
import type { KeyGateway } from '../workos/test-environment-gateway.ts';
import type { Key } from './key.ts';
import type { UnsettledKeys } from './rows/unsettled-keys.ts';

type Deps = {
  workosOf: (environment: Key['environment']) => Pick<KeyGateway, 'expireKey'>;
  unsettled: Pick<UnsettledKeys, 'confirmExpiry'>;
  clock: Clock;
  log: Pick<Logger, 'warn'>;
};

/**
 * Tells WorkOS the end that a key has here by now, undefined: never. Here it counts already; what fails waits for
 * whoever looks at the row's `due_at`.
 */
export function makeExpireAtWorkos({ workosOf, unsettled, clock, log }: Deps) {
  return async function expireAtWorkos(
    key: Pick<Key, 'organizationId' | 'environment' | 'rowId' | 'id'>,
    end: Date | undefined,
    told: () => Promise<void> | void = () => undefined,
  ): Promise<void> {
    try {
      const updatedAt = await workosOf(key.environment).expireKey(key.id, end);
      await told();
      await unsettled.confirmExpiry(key, { end, updatedAt }, clock());
    } catch (error) {
      log.warn({ err: error, key_id: key.id }, 'the end of a key is not yet known at WorkOS');
    }
  };
}
