import { createContext } from 'preact';
import type { ComponentType } from 'preact';
import type { ApiKey } from '../../client/client.ts';

/** What a page shows in the list beside what the element shows, too. */
export type KeyExtras = { Filter?: ComponentType; Origin?: ComponentType<{ apiKey: ApiKey }> };

export const KeyExtrasContext = createContext<KeyExtras>({});
