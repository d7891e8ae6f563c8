import { z } from 'zod';

const CONTROL = /[\p{Cc}\p{Zl}\p{Zp}]/u;
const CONTROL_BUT_LINES = /[^\P{Cc}\n\t]/u;

/** Invisible characters that change or hide the text around them: bidi controls, tags, fillers, joiners, selectors. */
const UNSEEN = /[\p{Cf}\p{Default_Ignorable_Code_Point}]/u;
/** Scripts in which joiners change how letters look. */
const JOINED_SCRIPTS =
  'Arabic Syriac Nko Mandaic Mongolian Manichaean Hanifi_Rohingya Adlam Sogdian Devanagari Bengali Gurmukhi Gujarati ' +
  'Oriya Tamil Telugu Kannada Malayalam Sinhala Khmer Myanmar Tibetan Balinese Javanese Sundanese Brahmi Chakma Grantha Newa';
const JOINER_IN_WORD = JOINED_SCRIPTS.split(' ')
  .map((script) => {
    const letter = `[\\p{Script_Extensions=${script}}&&[\\p{L}\\p{M}]]`;
    return `(?<=${letter})[\\u200C\\u200D](?=${letter})`;
  })
  .join('|');
const JOINER_IN_EMOJI =
  '(?<=\\p{Extended_Pictographic}(?:\\uFE0F|\\p{Emoji_Modifier})?)\\u200D(?=\\p{Extended_Pictographic})';
/** A single selector behind a visible character: a run of selectors can carry a hidden message. */
const SELECTOR = '(?<=[^\\p{Cf}\\p{Default_Ignorable_Code_Point}\\s])[\\p{Variation_Selector}--\\u200D]';
const IN_PLACE = new RegExp(`${JOINER_IN_WORD}|${JOINER_IN_EMOJI}|${SELECTOR}`, 'gv');

type Bounds = { min: number; max: number; multiline?: boolean };

/**
 * A client's text: well-formed, without control or hidden characters, bounded in code points. Joiners and variation
 * selectors are allowed where scripts and emoji need them.
 */
export function text({ min, max, multiline = false }: Bounds) {
  const control = multiline ? CONTROL_BUT_LINES : CONTROL;
  return z
    .string()
    .trim()
    .refine((value) => length(value) >= min, min === 1 ? 'This must not be empty.' : `At least ${min} characters.`)
    .refine((value) => length(value) <= max, `At most ${max} characters.`)
    .refine((value) => !control.test(value), 'Control characters are not allowed.')
    .refine((value) => !hasHidden(value), 'Invisible characters and direction marks are not allowed.')
    .refine((value) => value.isWellFormed(), 'This is not valid Unicode.')
    .meta({ minLength: min, maxLength: max });
}

/** Whether a text has invisible characters where no script or emoji needs them. */
export function hasHidden(value: string): boolean {
  return UNSEEN.test(value) && UNSEEN.test(value.replaceAll(IN_PLACE, ''));
}

function length(value: string): number {
  return [...value].length;
}
