import type { Logger } from 'pino';
import type { Clock } from '../clock.ts';
import type { KeyGateway } from '../workos/gateway.ts';
import type { Key } from './key.ts';
import type { UnsettledKeys } from './rows/unsettled-keys.ts';

type Deps = {
  workosOf: (environment: Key['environment']) => Pick<KeyGateway, 'expireKey'>;
  unsettled: Pick<UnsettledKeys, 'confirmExpiry'>;
  clock: Clock;
  log: Pick<Logger, 'warn'>;
};

/**
 * Brings a key's expiry to WorkOS; undefined: never. In the mirror it applies already. A call that fails is left to the
 * settler, at the row's `due_at`. WorkOS has no imported keys.
 */
export function makeExpireAtWorkos({ workosOf, unsettled, clock, log }: Deps) {
  return async function expireAtWorkos(
    key: Pick<Key, 'organizationId' | 'environment' | 'rowId' | 'id' | 'origin'>,
    expiresAt: Date | undefined,
    sent: () => Promise<void> | void = () => undefined,
  ): Promise<void> {
    if (key.origin === 'imported') return;
    try {
      const updatedAt = await workosOf(key.environment).expireKey(key.id, expiresAt);
      await sent();
      await unsettled.confirmExpiry(key, { end: expiresAt, updatedAt }, clock());
    } catch (error) {
      log.warn({ err: error, key_id: key.id }, 'failed to set key expiry at WorkOS; leaving it to the settler');
    }
  };
}
