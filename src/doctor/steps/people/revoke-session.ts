import { decodeJwt } from 'jose';
import { signedIn } from '../../people.ts';
import { describe } from '../../read.ts';
import type { World } from '../../world.ts';

/** Statuses that mean that the session is over. */
const OVER = [200, 204, 400, 404];

/** Revokes a session twice, and an unknown one. */
export async function revokeSession(world: World): Promise<void> {
  const sessionId = String(decodeJwt(signedIn(world).accessToken)['sid']);
  const revoke = (id: string) => world.call('POST', '/user_management/sessions/revoke', { body: { session_id: id } });
  const first = await revoke(sessionId);
  const again = await revoke(sessionId);
  const unknown = await revoke('session_01LATCHKEYDOCTOR0000000000');
  world.note(`Revoked: ${describe(first)}; again: ${describe(again)}; an unknown one: ${describe(unknown)}.`);
  delete world.facts.session;
  const isGood = first.status < 300 && OVER.includes(again.status) && OVER.includes(unknown.status);
  if (isGood) return;
  world.differs({
    name: 'session-revocation',
    breaks: true,
    assumes: 'that a session is revoked with 200, and that one which is over or unknown is 200, 400 or 404',
    seen: `${describe(first)}, ${describe(again)}, ${describe(unknown)}`,
    todo: 'Report this: signing out may fail.',
  });
}
