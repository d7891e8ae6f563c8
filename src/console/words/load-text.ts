import { en } from './languages/en.ts';
import { makeFormat } from './format.ts';
import { languageAmong } from './language-among.ts';
import type { PageText, PageWords } from './words.ts';

/** Returns the words and formats of the first of the languages that the console has; English, if it has none of them. */
export async function loadText(languages: readonly string[]): Promise<PageText> {
  const { tag, language } = languageAmong(languages);
  const w: PageWords = language === 'de' ? (await import('./languages/de.ts')).de : en;
  return { w, f: makeFormat(tag) };
}
