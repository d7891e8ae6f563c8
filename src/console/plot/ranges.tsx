import type { UsageQuery } from '../../client/client.ts';
import { useQueryString } from '../data/location.ts';
import type { Query } from '../data/location.ts';
import { usePageText } from '../words/page-text.ts';
import css from './ranges.module.css';

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;
const RANGES = {
  '24h': { interval: 'hour', ms: DAY_MS },
  '7d': { interval: 'hour', ms: 7 * DAY_MS },
  '30d': { interval: 'day', ms: 30 * DAY_MS },
  '90d': { interval: 'day', ms: 90 * DAY_MS },
} as const;
const USUAL = '7d';

type Range = keyof typeof RANGES;

/** The range that the address names; its ends are whole hours, so that the same address asks the same question. */
export function readRange(query: Query, now = Date.now()): UsageQuery {
  const { interval, ms } = RANGES[rangeIn(query)];
  const step = interval === 'hour' ? HOUR_MS : DAY_MS;
  const to = Math.ceil(now / HOUR_MS) * HOUR_MS;
  const from = Math.ceil(to / step) * step - ms;
  return { interval, from: new Date(from).toISOString(), to: new Date(Math.max(from, to)).toISOString() };
}

function rangeIn(query: Query): Range {
  const named = query['range'] ?? USUAL;
  return named in RANGES ? (named as Range) : USUAL;
}

/** Chooses the range of a plot. */
export function Ranges() {
  const { w } = usePageText();
  const { query, set } = useQueryString();
  const names: Record<Range, string> = {
    '24h': w.last24Hours,
    '7d': w.last7Days,
    '30d': w.last30Days,
    '90d': w.last90Days,
  };
  return (
    <select
      class={css.select}
      aria-label={w.range}
      value={rangeIn(query)}
      onChange={({ currentTarget: { value } }) => set({ range: value === USUAL ? undefined : value })}
    >
      {Object.entries(names).map(([value, text]) => (
        <option key={value} value={value}>
          {text}
        </option>
      ))}
    </select>
  );
}
