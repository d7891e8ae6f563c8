type Range = readonly [number, number];

const MAX_ROUNDS = 10;
/** From which part of a power of ten on a step is 2, 5 or 10 of them: the geometric means between these. */
const FACTORS = [
  [Math.sqrt(50), 10],
  [Math.sqrt(10), 5],
  [Math.sqrt(2), 2],
] as const;

/** Divides a range into equal bands, with a part of each step left empty between them. */
export function bandsOf(names: readonly string[], [from, to]: Range, padding: number) {
  const step = (to - from) / Math.max(1, names.length - padding);
  const first = from + (to - from - step * (names.length - padding)) / 2;
  const indexes = new Map(names.map((name, i) => [name, i]));
  return { at: (name: string) => first + step * indexes.get(name)!, step, width: step * (1 - padding) };
}

/** Maps 0 to a value onto a range, with about so many lines at round numbers, the last at the value or above it. */
export function linearOf(most: number, [from, to]: Range, lines: number) {
  const { end, step } = roundUp(most, lines);
  return {
    at: (value: number) => from + (value / end) * (to - from),
    ticks: Array.from({ length: Math.round(end / step) + 1 }, (_, i) => i * step),
  };
}

/** A rounded end may want a wider step, and that another end. */
function roundUp(most: number, lines: number): { end: number; step: number } {
  let [end, step] = [most, 0];
  for (let round = 0; round < MAX_ROUNDS; round++) {
    const wanted = stepOf(end / lines);
    if (wanted === step) break;
    step = wanted;
    end = Math.ceil(end / step) * step;
  }
  return { end, step };
}

function stepOf(rough: number): number {
  const power = 10 ** Math.floor(Math.log10(rough));
  return power * (FACTORS.find(([from]) => rough / power >= from)?.[1] ?? 1);
}
