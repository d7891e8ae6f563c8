import { createContext } from 'preact';
import { useContext } from 'preact/hooks';
import type { PageText } from './words.ts';

export const PageTextContext = createContext<PageText | undefined>(undefined);

/** The words of the pages that only the console has; inside the provider alone. */
export const usePageText = (): PageText => useContext(PageTextContext)!;
