import { makeFormat } from '../words/format.ts';
import { enKeys } from '../words/languages/en-keys.ts';
import { languageAmong } from '../words/language-among.ts';
import type { Text } from '../words/words.ts';

/** Returns the words of the list of keys in the first of the languages that there are words for. */
export async function loadKeyText(languages: readonly string[]): Promise<Text> {
  const { tag, language } = languageAmong(languages);
  const w = language === 'de' ? (await import('../words/languages/de-keys.ts')).deKeys : enKeys;
  return { w, f: makeFormat(tag) };
}
