import { EDGE, RIGHT, TOP, at, frame, label, line, ticks } from './svg.ts';
import type { Words } from './svg.ts';

/** `range`: the lowest and the highest of what the value is the median of. */
export type Bar = {
  label: string;
  value: number;
  shown: string;
  style: 'own' | 'other' | 'second';
  range?: readonly [number, number];
};
/** Bars that were measured in one run. */
export type Group = { label: string; bars: readonly Bar[] };

const GROUP = 28;
const ROW = 38;
const THICK = 14;
const AXIS = 52;
/** The width of a letter that a bar shows behind its end, at most. */
const LETTER = 7.2;

/** Returns horizontal bars from zero, each below its label. */
export function barChart(words: Words, unit: string, groups: readonly Group[]): string {
  const most = Math.max(...groups.flatMap(({ bars }) => bars.map(({ value, range }) => range?.[1] ?? value)));
  const scale = ticks(most);
  const room = LETTER * Math.max(...groups.flatMap(({ bars }) => bars.map(({ shown }) => shown.length + 2)));
  const x = (value: number) => EDGE + (value / scale.at(-1)!) * (RIGHT - room - EDGE);
  const content: string[] = [];
  let y = TOP;
  for (const group of groups) {
    if (group.label !== '') content.push(label(EDGE, y + 14, group.label, 'strong'));
    y += group.label === '' ? 0 : GROUP;
    for (const bar of group.bars) {
      content.push(drawn(bar, y, x));
      y += ROW;
    }
    y += 10;
  }
  const grid = scale.flatMap((value) => [
    ...(value > 0 ? [line('grid', [x(value), TOP], [x(value), y])] : []),
    label(x(value), y + 16, value.toLocaleString('en'), 'quiet middle'),
  ]);
  const axis = label((EDGE + x(scale.at(-1)!)) / 2, y + 36, unit, 'quiet middle');
  return frame(words, y + AXIS, [...grid, ...content, axis]);
}

function drawn(bar: Bar, y: number, x: (value: number) => number): string {
  const middle = y + 17 + THICK / 2;
  const end = Math.max(x(bar.value), x(bar.range?.[1] ?? 0));
  return [
    label(EDGE, y + 11, bar.label),
    `<rect class="${bar.style}" x="${EDGE}" y="${at(y + 17)}" width="${at(Math.max(1, x(bar.value) - EDGE))}" height="${THICK}" rx="2"/>`,
    ...(bar.range ? [line('range', [x(bar.range[0]), middle], [x(bar.range[1]), middle])] : []),
    label(end + 6, middle + 4, bar.shown, 'strong'),
  ].join('\n');
}
