import { useEffect, useRef, useState } from 'preact/hooks';
import { usePageText } from '../words/page-text.ts';
import { patternOf } from './patterns.tsx';
import { bandsOf, linearOf } from './scales.ts';
import type { Bar } from './series.ts';
import css from './usage-plot.module.css';

const HEIGHT = 200;
const BELOW = 22;
const BESIDE = 44;
const ABOVE = 8;
const LINES = 4;
const LEAST_MOST = 4;
const LABEL_WIDTH = 76;
const FIRST_WIDTH = 640;
/** From so many bars on, they stand closer. */
const MANY = 60;

type Props = {
  id: string;
  bars: readonly Bar[];
  outcomes: readonly string[];
  at: number | undefined;
  onAt: (index: number | undefined) => void;
  label: (start: string) => string;
};
type Scales = ReturnType<typeof scalesOf>;

/** Stacked bars as SVG. What they say is read beside them, and stands in a table. */
export function Bars({ id, bars, outcomes, at, onAt, label }: Props) {
  const [frame, width] = useWidth();
  const scales = scalesOf(bars, width);
  const { x } = scales;
  const pointed = at === undefined ? undefined : bars[at];
  return (
    <div ref={frame}>
      <svg height={HEIGHT} viewBox={`0 0 ${width} ${HEIGHT}`} aria-hidden="true" onMouseLeave={() => onAt(undefined)}>
        <Lines y={scales.y} width={width} />
        {pointed && (
          <rect class={css.at} x={x.at(pointed.start) - 1} y={0} width={x.width + 2} height={HEIGHT - BELOW} />
        )}
        <Stacks id={id} bars={bars} outcomes={outcomes} scales={scales} />
        <Labels bars={bars} x={x} label={label} />
        {bars.map(({ start }, i) => (
          <rect
            key={start}
            class={css.hit}
            x={x.at(start)}
            y={0}
            width={x.step}
            height={HEIGHT}
            onMouseEnter={() => onAt(i)}
          />
        ))}
      </svg>
    </div>
  );
}

function scalesOf(bars: readonly Bar[], width: number) {
  const starts = bars.map(({ start }) => start);
  const most = Math.max(LEAST_MOST, ...bars.map(({ total }) => total));
  return {
    x: bandsOf(starts, [BESIDE, width], bars.length > MANY ? 0.1 : 0.25),
    y: linearOf(most, [HEIGHT - BELOW, ABOVE], LINES),
  };
}

function Lines({ y, width }: { y: Scales['y']; width: number }) {
  const { f } = usePageText();
  return (
    <>
      {y.ticks.filter(Number.isInteger).map((tick) => (
        <g key={tick}>
          <line class={tick === 0 ? css.base : css.line} x1={BESIDE} x2={width} y1={y.at(tick)} y2={y.at(tick)} />
          <text x={BESIDE - 8} y={y.at(tick) + 4} text-anchor="end">
            {f.compact(tick)}
          </text>
        </g>
      ))}
    </>
  );
}

type StacksProps = Pick<Props, 'id' | 'bars' | 'outcomes'> & { scales: Scales };

function Stacks({ id, bars, outcomes, scales: { x, y } }: StacksProps) {
  return (
    <>
      {bars.flatMap((bar) =>
        partsOf(bar, outcomes).map(({ low, high }, s) =>
          high === low ? null : (
            <rect
              key={`${s}-${bar.start}`}
              x={x.at(bar.start)}
              y={y.at(high)}
              width={x.width}
              height={y.at(low) - y.at(high)}
              fill={patternOf(id, s)}
            />
          ),
        ),
      )}
    </>
  );
}

/** The part of a bar that each outcome has, one on top of the other. */
function partsOf({ codes }: Bar, outcomes: readonly string[]) {
  let high = 0;
  return outcomes.map((code) => {
    const low = high;
    high += codes[code] ?? 0;
    return { low, high };
  });
}

type LabelsProps = Pick<Props, 'bars' | 'label'> & { x: Scales['x'] };

/** As many labels as there is room for, none of them twice: of the hours of a day, the first has it. */
function Labels({ bars, x, label }: LabelsProps) {
  return (
    <>
      {labelled(bars, x, label).map(({ start, at, text }, i) => (
        <text key={start} x={at} y={HEIGHT - 6} text-anchor={i === 0 ? 'start' : 'middle'}>
          {text}
        </text>
      ))}
    </>
  );
}

function labelled(bars: readonly Bar[], x: Scales['x'], label: (start: string) => string) {
  const labels: { start: string; at: number; text: string }[] = [];
  for (const { start } of bars) {
    const [at, text, last] = [x.at(start) + x.width / 2, label(start), labels.at(-1)];
    if (!last || (text !== last.text && at - last.at >= LABEL_WIDTH)) labels.push({ start, at, text });
  }
  return labels;
}

function useWidth() {
  const frame = useRef<HTMLDivElement>(null);
  const [width, setWidth] = useState(FIRST_WIDTH);
  useEffect(() => {
    const observer = new ResizeObserver(([entry]) => setWidth(Math.max(240, Math.floor(entry!.contentRect.width))));
    observer.observe(frame.current!);
    return () => observer.disconnect();
  }, []);
  return [frame, width] as const;
}
