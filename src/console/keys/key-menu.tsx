import type { ApiKey } from '../../client/client.ts';
import { useKeyActions } from '../dialogs/key-actions.ts';
import { MoreIcon } from '../parts/shown/icons.tsx';
import { Menu } from '../parts/controls/menu.tsx';
import { useText } from '../words/text.ts';

/** What can be done with a key of the list. */
export function KeyMenu({ apiKey }: { apiKey: ApiKey }) {
  const { w } = useText();
  const items = useKeyActions(apiKey);
  return items.length === 0 ? null : <Menu label={w.actionsFor(apiKey.label)} icon={<MoreIcon />} items={items} />;
}
