import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { csvLine } from '../../src/audit/csv/csv-line.ts';
import { parseCsv } from '../support/csv.ts';

describe('csvLine', () => {
  test('is read back as the cells that were written, with an apostrophe before formulas', () => {
    const cell = fc.oneof(
      fc.string({ unit: 'grapheme' }),
      fc.string({ unit: fc.constantFrom('"', ',', '\r', '\n', '=', '@', 'a', "'") }),
    );
    fc.assert(
      fc.property(fc.array(cell, { minLength: 1, maxLength: 5 }), (cells) => {
        const shown = cells.map((text) => (/^[=+\-@\t\r＝＋－＠]/.test(text) ? `'${text}` : text));
        expect(parseCsv(csvLine(cells))).toEqual([shown]);
      }),
      { numRuns: 500 },
    );
  });

  test.each([
    ['=1+1', "'=1+1"],
    ['+49 30', "'+49 30"],
    ['-1', "'-1"],
    ['@SUM(A1)', "'@SUM(A1)"],
    ['\t=1', "'\t=1"],
    ['＝1', "'＝1"],
    ['=HYPERLINK("http://x","y")', '"\'=HYPERLINK(""http://x"",""y"")"'],
    ['a=1', 'a=1'],
    ['a,b', '"a,b"'],
    ['two\nlines', '"two\nlines"'],
    ['\ud800', '\ufffd'],
  ])('writes %j as %j', (text, written) => {
    expect(csvLine([text, 'next'])).toBe(`${written},next\r\n`);
  });
});
