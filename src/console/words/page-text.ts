import { createContext } from 'preact';
import { useContext } from 'preact/hooks';
import { en } from './languages/en.ts';
import { makeFormat } from './format.ts';
import type { PageText } from './words.ts';

export const PageTextContext = createContext<PageText>({ w: en, f: makeFormat('en') });
/** The words of the pages that only the console has. */
export const usePageText = (): PageText => useContext(PageTextContext);
