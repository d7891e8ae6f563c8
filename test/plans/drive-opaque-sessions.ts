import { logout } from '../sessions/sign-in/sign-in.ts';
import { FACTS_MS, MINUTE_MS, OPAQUE, signedIn } from '../sessions/opaque/opaque.ts';
import { restartWith } from '../support/restart.ts';
import type { Service } from '../support/service.ts';

/** Signs people in with tokens of Latchkey's own: one session is used, renewed and ended, another is left to expire. */
export async function driveOpaqueSessions(service: Service) {
  const { url, background } = await restartWith(service, {}, { sessions: OPAQUE });
  const at = { ...service, url };
  const used = await signedIn(at);
  await signedIn(at);
  await used.outcomeAt();
  service.clock.advance(FACTS_MS);
  await used.outcomeAt();
  for (const { name } of background.loops) await background.runOnce(name);
  await logout(at, used.token);
  service.clock.advance(OPAQUE.inactivity_minutes * MINUTE_MS);
  await used.outcomeAt();
}
