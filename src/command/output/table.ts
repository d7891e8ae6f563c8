export type Column = readonly [title: string, valueOf: (row: object) => string];

/** Writes rows for a person: padded, under a header. */
export function tableOf(columns: readonly Column[], rows: readonly object[]): string {
  const lines = [
    columns.map(([title]) => title),
    ...rows.map((row) => columns.map(([, valueOf]) => oneLine(valueOf(row)))),
  ];
  const widths = columns.map((_, column) => Math.max(...lines.map((line) => widthOf(line[column]!))));
  return lines
    .map((line) =>
      line
        .map((cell, column) => padTo(cell, widths[column]!))
        .join('  ')
        .trimEnd(),
    )
    .join('\n');
}

/** Writes rows for programs: without a header, cells separated by tabs. */
export function tabSeparated(columns: readonly Column[], rows: readonly object[]): string {
  return rows.map((row) => columns.map(([, valueOf]) => oneLine(valueOf(row))).join('\t')).join('\n');
}

/** What stands in one cell: controls, tabs and line ends could move the cursor or the columns. */
function oneLine(value: string): string {
  // oxlint-disable-next-line no-control-regex -- controls are what is replaced
  return value.replaceAll(/[\u0000-\u001f\u007f-\u009f\u2028\u2029]/g, ' ');
}

const graphemes = new Intl.Segmenter();
const WIDE = /\p{Script=Han}|\p{Script=Hangul}|\p{Script=Hiragana}|\p{Script=Katakana}|\p{Emoji_Presentation}/u;

/** How many columns of a terminal a text takes. */
function widthOf(cell: string): number {
  return [...graphemes.segment(cell)].reduce((width, { segment }) => width + (WIDE.test(segment) ? 2 : 1), 0);
}

function padTo(cell: string, width: number): string {
  return cell + ' '.repeat(Math.max(0, width - widthOf(cell)));
}
