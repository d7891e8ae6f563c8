import type { Clock } from '../clock.ts';
import type { ViewKey } from './key-schemas.ts';
import type { Key } from './key.ts';

export type Viewing = {
  /** Keys that were never used are left out. */
  lastUsesOf: (organizationId: string, ids: readonly string[]) => Promise<ReadonlyMap<string, { usedAt: Date }>>;
  /** People of whom nothing is recorded are left out. */
  permissionsOf: (
    organizationId: string,
    userIds: readonly string[],
  ) => Promise<ReadonlyMap<string, readonly string[]>>;
  viewKey: ViewKey;
  clock: Clock;
};

/** Reads the last uses and owners' permissions of these keys, and returns their view. */
export async function viewerOf(deps: Viewing, organizationId: string, keys: readonly Key[]) {
  const { lastUsesOf, permissionsOf, viewKey, clock } = deps;
  const ids = keys.map(({ id }) => id);
  const owners = keys.flatMap(({ ownerUserId }) => ownerUserId ?? []);
  const [lastUses, held] = await Promise.all([lastUsesOf(organizationId, ids), permissionsOf(organizationId, owners)]);
  const now = clock();
  return (key: Key) =>
    viewKey(key, {
      now,
      lastUsedAt: lastUses.get(key.id)?.usedAt,
      ownerHolds: key.ownerUserId === undefined ? undefined : held.get(key.ownerUserId),
    });
}

export async function viewUsed(deps: Viewing, key: Key) {
  return (await viewerOf(deps, key.organizationId, [key]))(key);
}
