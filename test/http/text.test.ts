import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { hasHidden, text } from '../../src/http/text.ts';

test.each([
  ['a direction that is turned round', 'safe\u202Egnp.exe'],
  ['an isolate', 'a\u2066b\u2069'],
  ['a mark of direction', 'a\u200Fb'],
  ['a space of no width', 'a\u200Bb'],
  ['a byte order mark inside', 'a\uFEFFb'],
  ['a soft hyphen', 'pass\u00ADword'],
  ['a word joiner', 'a\u2060b'],
  ['tag characters', 'hello\u{E0068}\u{E0069}'],
  ['a flag made of tags', '\u{1F3F4}\u{E0067}\u{E0062}\u{E007F}'],
  ['a filler that is a letter', '\u3164'],
  ['a joiner between Latin letters', 'a\u200Db'],
  ['a non-joiner between Latin letters', 'a\u200Cb'],
  ['a joiner between two scripts', 'م\u200Dक'],
  ['a joiner at the end of an emoji', '👩\u200D'],
  ['two joiners', '👩\u200D\u200D💻'],
  ['a run of selectors', 'x\u{E0100}\u{E0101}\u{E0102}'],
])('refuses %s', (_what, value) => {
  expect(hasHidden(value)).toBe(true);
  expect(text({ min: 1, max: 100 }).safeParse(`x${value}x`).error?.issues[0]?.message).toMatch(/Invisible/);
  expect(text({ min: 1, max: 100, multiline: true }).safeParse(`x${value}x`).success).toBe(false);
});

test.each([
  ['Persian', 'می\u200Cخواهم'],
  ['Hindi, half a letter', 'क्\u200Dष'],
  ['Malayalam', 'ന്\u200Dറെ'],
  ['Sinhala', 'ශ්\u200Dරී ලංකා'],
  ['Mongolian with a variant', 'ᠠ\u180Bᠨ'],
  ['Han with a variant', '葛\u{E0100}城'],
  ['a person at work', '👩\u200D💻'],
  ['with a skin', '👩🏽\u200D💻'],
  ['a family', '👨\u200D👩\u200D👧\u200D👦'],
  ['a heart on fire', '❤\uFE0F\u200D🔥'],
  ['a keycap', '1\uFE0F\u20E3'],
  ['a country', '🇩🇪'],
  ['letters right to left', 'שלום עולם'],
  ['a name with marks', 'Zoë Nguyễn'],
])('accepts %s', (_what, value) => {
  expect(text({ min: 1, max: 100 }).parse(value)).toBe(value);
});

test('refuses a selector without a character before it', () => {
  for (const value of ['\uFE0F', ' \uFE0F', 'a \u{E0100}']) expect(hasHidden(value)).toBe(true);
});

test('accepts no format character except a joiner in its place', () => {
  const any = fc.string({ unit: 'binary' });
  fc.assert(
    fc.property(
      any,
      fc.constantFrom('\u202E', '\u200B', '\u{E0041}', '\u2069', '\u00AD'),
      any,
      (before, mark, after) => {
        expect(hasHidden(before + mark + after)).toBe(true);
      },
    ),
  );
});
