import type { ApiKey } from '../../client/client.ts';
import { useConsole } from '../data/console.ts';
import type { Obstacle } from '../data/may.ts';
import { useDialogs } from '../dialogs/dialogs.tsx';
import type { MenuItem } from '../parts/controls/menu.tsx';
import { obstacleText } from '../words/obstacles.ts';
import { usePageText } from '../words/page-text.ts';

/** Suspending an active key, or resuming a suspended one, with the reason where it is not possible now. */
export function useSuspensionActions(apiKey: ApiKey): MenuItem[] {
  const { w } = usePageText();
  const facts = useConsole();
  const { open } = useDialogs();
  const suspending = facts.may.revoke(apiKey);
  if (apiKey.status === 'active') {
    const obstacle = obstacleText(suspending, facts, w);
    return [{ text: w.suspend, obstacle, onClick: () => open('suspend', apiKey.id) }];
  }
  if (apiKey.status !== 'suspended') return [];
  const obstacle = obstacleText(suspending ?? resuming(apiKey, facts.me), facts, w);
  return [{ text: w.resume, obstacle, onClick: () => open('resume', apiKey.id) }];
}

type Me = ReturnType<typeof useConsole>['me'];

/** A person with their own keys alone ends their own suspensions alone. */
function resuming({ suspended_by: by }: ApiKey, me: Me): Obstacle {
  if (me.impersonator) return 'impersonated';
  return me.permissions.includes('apikeys:write') || by?.id === me.user_id ? undefined : 'permission';
}
