import type { Store } from '../state/store.ts';

export type Impersonator = { email: string; reason: string | null };

/** Returns the impersonator of a session, if any. */
export const findImpersonator = (store: Store, sessionId: string): Impersonator | undefined =>
  store.get<Impersonator>('select email, reason from impersonations where session_id = ?', sessionId);
