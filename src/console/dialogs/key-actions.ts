import { useContext } from 'preact/hooks';
import type { ApiKey } from '../../client/client.ts';
import { useConsole } from '../data/console.ts';
import { KeyExtrasContext } from '../keys/key-extras.ts';
import type { MenuItem } from '../parts/controls/menu.tsx';
import { obstacleText } from '../words/obstacles.ts';
import { useText } from '../words/text.ts';
import { useDialogs } from './dialogs.tsx';
import { useSecrets } from '../secret/secrets.tsx';

const none = () => [];

/** Whether a key can still be changed: it is active, or suspended. */
export const isLiving = ({ status }: Pick<ApiKey, 'status'>) => status === 'active' || status === 'suspended';

/** What the caller may do with a key, each with the reason where it is not possible now. */
export function useKeyActions(apiKey: ApiKey): MenuItem[] {
  const { w } = useText();
  const facts = useConsole();
  const { open } = useDialogs();
  const { secretOf } = useSecrets();
  const [change, revoke] = [facts.may.change(apiKey), facts.may.revoke(apiKey)];
  const { useActions = none } = useContext(KeyExtrasContext);
  const more = useActions(apiKey);
  if (!isLiving(apiKey) || revoke === 'permission') return [];
  const obstacle = obstacleText(change, facts, w);
  const rotation = apiKey.rotated_to === null ? obstacle : w.alreadyRotated;
  return [
    ...(secretOf(apiKey.id) === undefined ? [] : [{ text: w.showAgain, onClick: () => open('secret', apiKey.id) }]),
    // A key of a CI job is never rotated: the job exchanges another token. A suspended one is resumed first.
    ...(apiKey.origin === 'ci' || apiKey.status !== 'active'
      ? []
      : [{ text: w.rotate, obstacle: rotation, onClick: () => open('rotate', apiKey.id) }]),
    { text: w.edit, obstacle, onClick: () => open('edit', apiKey.id) },
    ...more,
    {
      text: w.revoke,
      obstacle: obstacleText(revoke, facts, w),
      isDanger: true,
      onClick: () => open('revoke', apiKey.id),
    },
  ];
}
