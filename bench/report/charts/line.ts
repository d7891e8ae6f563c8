import { EDGE, RIGHT, TOP, at, frame, label, line, ticks } from './svg.ts';
import type { Words } from './svg.ts';

type Axis = { unit: string; most: number };
type Points = { x: Axis; y: Axis; points: readonly (readonly [number, number])[]; bound: number; boundLabel: string };

const LEFT = EDGE + 36;
const PLOT = 200;

/** Returns a line through points, and a bound that it should stay below. */
export function lineChart(words: Words, { x, y, points, bound, boundLabel }: Points): string {
  const [across, up] = [ticks(x.most), ticks(y.most)];
  const bottom = TOP + 20 + PLOT;
  const toX = (value: number) => LEFT + (value / across.at(-1)!) * (RIGHT - LEFT);
  const toY = (value: number) => bottom - (value / up.at(-1)!) * PLOT;
  return frame(words, bottom + 52, [
    label(EDGE, TOP + 6, y.unit, 'quiet'),
    ...up.flatMap((value) => [
      line('grid', [LEFT, toY(value)], [RIGHT, toY(value)]),
      label(LEFT - 8, toY(value) + 4, value.toLocaleString('en'), 'quiet end'),
    ]),
    ...across.map((value) => label(toX(value), bottom + 18, value.toLocaleString('en'), 'quiet middle')),
    label((LEFT + RIGHT) / 2, bottom + 38, x.unit, 'quiet middle'),
    line('bound', [LEFT, toY(bound)], [RIGHT, toY(bound)]),
    label(RIGHT, toY(bound) - 6, boundLabel, 'end'),
    `<polyline class="line" points="${points.map(([px, py]) => `${at(toX(px))},${at(toY(py))}`).join(' ')}"/>`,
  ]);
}
