const LANGUAGES = ['en', 'de'] as const;

/** Returns the first of the tags whose language there are words for, with that language; English, if there is none. */
export function languageAmong(tags: readonly string[]): { tag: string; language: (typeof LANGUAGES)[number] } {
  for (const tag of tags) {
    const language = LANGUAGES.find((each) => each === tag.split('-', 1)[0]);
    if (language) return { tag, language };
  }
  return { tag: 'en', language: 'en' };
}
