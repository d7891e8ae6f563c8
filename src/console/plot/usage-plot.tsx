import { useId, useState } from 'preact/hooks';
import type { Usage } from '../../client/client.ts';
import { codeName } from '../words/names.ts';
import { usePageText } from '../words/page-text.ts';
import { Bars } from './bars.tsx';
import { Patterns, Swatch } from './patterns.tsx';
import { outcomesOf } from './series.ts';
import type { Bar } from './series.ts';
import css from './usage-plot.module.css';
import { UsageTable } from './usage-table.tsx';

/** From so many bars on, their labels name days, not hours. */
const DAYS_FROM = 48;

/** Requests by outcome and time: a plot that the arrow keys walk through, and the table behind it. */
export function UsagePlot({ usage }: { usage: Usage }) {
  const { w, f } = usePageText();
  const id = useId().replaceAll(/\W/g, '');
  const [at, setAt] = useState<number | undefined>(undefined);
  const outcomes = outcomesOf(usage);
  if (usage.total === 0) return <p class={css.empty}>{w.noUsage}</p>;
  const labelled = usage.data.length > DAYS_FROM ? 'day' : usage.interval;
  const move = (event: KeyboardEvent) => {
    const to = nextOf(event.key, at, usage.data.length);
    if (to === undefined) return;
    event.preventDefault();
    setAt(to);
  };
  return (
    <div class={css.plot}>
      <Reading usage={usage} bar={at === undefined ? undefined : usage.data[at]} />
      <div class={css.bars} tabIndex={0} role="group" aria-label={`${w.requests}. ${w.plotHelp}`} onKeyDown={move}>
        <svg width="0" height="0" aria-hidden="true">
          <Patterns id={id} />
        </svg>
        <Bars
          id={id}
          bars={usage.data}
          outcomes={outcomes}
          at={at}
          onAt={setAt}
          label={(start) => f.utcShort(start, labelled)}
        />
      </div>
      <Legend id={id} usage={usage} outcomes={outcomes} />
      <div class={css.foot}>
        <UsageTable usage={usage} outcomes={outcomes} />
        <span>{w.inUtc}</span>
      </div>
    </div>
  );
}

/** The bar that a key leads to; undefined for other keys. */
function nextOf(key: string, at: number | undefined, count: number): number | undefined {
  const to = {
    ArrowRight: (at ?? -1) + 1,
    ArrowLeft: (at ?? count) - 1,
    Home: 0,
    End: count - 1,
  }[key];
  return to === undefined ? undefined : Math.min(count - 1, Math.max(0, to));
}

/** What the bar under the pointer or the arrow keys says; the sum, where there is none. */
function Reading({ usage, bar }: { usage: Usage; bar: Bar | undefined }) {
  const { w, f } = usePageText();
  return (
    <p class={css.read} aria-live="polite">
      <strong>{bar ? f.utc(bar.start, usage.interval) : w.requestCount(usage.total, f.number(usage.total))}</strong>
      {bar && <span>{w.requestCount(bar.total, f.number(bar.total))}</span>}
      {bar &&
        outcomesOf(bar).map((code) => (
          <span key={code}>
            {codeName(code, w)} {f.number(bar.codes[code] ?? 0)}
          </span>
        ))}
    </p>
  );
}

function Legend({ id, usage, outcomes }: { id: string; usage: Usage; outcomes: readonly string[] }) {
  const { w, f } = usePageText();
  return (
    <ul class={css.legend}>
      {outcomes.map((code, series) => (
        <li key={code}>
          <Swatch id={id} series={series} />
          {codeName(code, w)} <b>{f.number(usage.codes[code] ?? 0)}</b>
        </li>
      ))}
    </ul>
  );
}
