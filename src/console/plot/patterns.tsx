import css from './usage-plot.module.css';

const PATTERNS = 5;
const SIZE = 6;

export const seriesClass = (series: number) => css[`s${series % PATTERNS}`];
export const patternOf = (id: string, series: number) => `url(#${id}-${series % PATTERNS})`;

/** A pattern for each outcome beside its colour: outcomes can be told apart without seeing colours. */
export function Patterns({ id }: { id: string }) {
  return (
    <defs>
      {SHAPES.map((shape, series) => (
        <pattern
          key={shape}
          id={`${id}-${series}`}
          width={SIZE}
          height={SIZE}
          patternUnits="userSpaceOnUse"
          class={seriesClass(series)}
        >
          <rect width={SIZE} height={SIZE} fill="currentColor" opacity={series === 0 ? 1 : 0.28} />
          {shape !== '' && <path d={shape} stroke="currentColor" stroke-width="1.6" fill="none" />}
        </pattern>
      ))}
    </defs>
  );
}

const SHAPES = ['', 'M-1 7 7-1M-1 1 1-1M5 7 7 5', 'M0 3h6', 'M3 0v6', 'M0 0l6 6M6 0 0 6'];

export function Swatch({ id, series }: { id: string; series: number }) {
  return (
    <svg width="12" height="12" aria-hidden="true">
      <rect width="12" height="12" rx="3" fill={patternOf(id, series)} />
    </svg>
  );
}
