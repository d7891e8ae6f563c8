import { createContext } from 'preact';
import { useContext } from 'preact/hooks';
import { enKeys } from './languages/en-keys.ts';
import { makeFormat } from './format.ts';
import type { Text } from './words.ts';

export const TextContext = createContext<Text>({ w: enKeys, f: makeFormat('en') });
export const useText = (): Text => useContext(TextContext);
