import { createContext } from 'preact';
import type { ComponentType } from 'preact';
import type { ApiKey } from '../../client/client.ts';
import type { MenuItem } from '../parts/controls/menu.tsx';

/** What a page shows of keys beside what the element shows, too. */
export type KeyExtras = {
  Filter?: ComponentType;
  Marks?: ComponentType<{ apiKey: ApiKey }>;
  /** Actions before the last of a key's menu. */
  useActions?: (apiKey: ApiKey) => MenuItem[];
};

export const KeyExtrasContext = createContext<KeyExtras>({});
