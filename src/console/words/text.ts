import { createContext } from 'preact';
import { useContext } from 'preact/hooks';
import type { Text } from './words.ts';

export const TextContext = createContext<Text | undefined>(undefined);

/** The words and formats around this part; inside the provider alone. */
export const useText = (): Text => useContext(TextContext)!;
