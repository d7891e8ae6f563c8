import type { en } from './languages/en.ts';
import type { enKeys } from './languages/en-keys.ts';
import type { Format } from './format.ts';

type Same<English> = { [Name in keyof English]: English[Name] extends string ? string : English[Name] };

/** Every language has the words of English, with the same arguments. */
export type Words = Same<typeof enKeys>;
export type PageWords = Same<typeof en>;
/** What the list of keys and its dialogs say. */
export type Text = { w: Words; f: Format };
/** What every page of the console says. */
export type PageText = { w: PageWords; f: Format };
