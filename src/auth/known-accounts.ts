import { LRUCache } from 'lru-cache';
import { accountName } from './sign-in-rates.ts';

export type KnownAccount = { userId: string; organizationIds: readonly string[] };
export type KnownAccounts = ReturnType<typeof makeKnownAccounts>;

const MAX_ACCOUNTS = 50_000;
const MAX_ORGANIZATIONS = 20;

/** Whose an e-mail address is, of people who signed in here; by a hash of the address. */
export function makeKnownAccounts() {
  const accounts = new LRUCache<string, KnownAccount>({ max: MAX_ACCOUNTS });
  return {
    find: (email: string): KnownAccount | undefined => accounts.get(accountName(email)),

    note(email: string, { userId, organizationId }: { userId: string; organizationId: string }): void {
      const known = accounts.get(accountName(email));
      const before = known?.userId === userId ? known.organizationIds : [];
      const organizationIds = [organizationId, ...before.filter((id) => id !== organizationId)];
      accounts.set(accountName(email), { userId, organizationIds: organizationIds.slice(0, MAX_ORGANIZATIONS) });
    },
  };
}
