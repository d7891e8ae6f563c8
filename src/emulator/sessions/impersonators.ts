import type { Store } from '../state/store.ts';

export type Impersonator = { email: string; reason: string | null };

/** Who acts as the person of a session, if somebody does. */
export const findImpersonator = (store: Store, sessionId: string): Impersonator | undefined =>
  store.get<Impersonator>('select email, reason from impersonations where session_id = ?', sessionId);
