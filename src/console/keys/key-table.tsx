import type { RefObject } from 'preact';
import { useEffect, useRef } from 'preact/hooks';
import type { ApiKey } from '../../client/client.ts';
import { SHOWN_DAYS } from '../data/queries.ts';
import type { useListedUsage } from '../data/queries.ts';
import { useText } from '../words/text.ts';
import { KeyRow } from './key-row.tsx';
import css from './key-table.module.css';

const ROW_HEIGHT = 61;
const CARD_HEIGHT = 180;
/** Rows before the end of what is loaded, from which on more is loaded. */
const AHEAD = 40;

type UsageOfKeys = ReturnType<typeof useListedUsage>;
/** Which of many rows are drawn, how high the others before and after them are, and what is called with each row. */
export type UseRows = (
  count: number,
  list: RefObject<HTMLElement>,
  rowHeight: number,
) => {
  items: readonly { index: number }[];
  before: number;
  after: number;
  measure: (row: HTMLElement | null) => void;
};
type Props = {
  useRows: UseRows;
  usage: UsageOfKeys;
  keys: readonly ApiKey[];
  total: number | undefined;
  isStale: boolean;
  onEnd: () => void;
};

/** The rows near the window, as a table; as cards on a narrow screen. */
export function KeyTable({ useRows, usage, keys, total, isStale, onEnd }: Props) {
  const { w } = useText();
  const body = useRef<HTMLTableSectionElement>(null);
  const height = matchMedia('(width <= 37em)').matches ? CARD_HEIGHT : ROW_HEIGHT;
  const { items, before, after, measure } = useRows(keys.length, body, height);
  const last = items.at(-1)?.index ?? 0;
  useEffect(() => {
    if (last >= keys.length - AHEAD) onEnd();
  });
  return (
    <div class={`${css.frame} ${isStale ? css.stale : ''}`}>
      <table class={css.table} role="table" aria-rowcount={total === undefined ? -1 : total + 1} aria-label={w.keys}>
        <thead role="rowgroup">
          <tr role="row" aria-rowindex={1}>
            <Head text={w.name} />
            <Head text={w.permissions} size={css.access} />
            <Head text={w.usageInDays(SHOWN_DAYS)} size={css.spark} />
            <Head text={w.lastUsed} size={css.when} />
            <Head text={w.expires} size={css.when} />
            <Head text={w.created} size={`${css.when} ${css.created}`} />
            <Head text={w.actions} size={css.tools} isHidden />
          </tr>
        </thead>
        <tbody ref={body} role="rowgroup">
          <Space height={before} />
          {items.map(({ index }) => (
            <KeyRow
              key={keys[index]!.id}
              apiKey={keys[index]!}
              usage={usage.get(keys[index]!.id)}
              index={index}
              inner={measure}
            />
          ))}
          <Space height={after} />
        </tbody>
      </table>
    </div>
  );
}

function Head({ text, size, isHidden = false }: { text: string; size?: string | undefined; isHidden?: boolean }) {
  return (
    <th scope="col" role="columnheader" class={size}>
      {isHidden ? <span class="visually-hidden">{text}</span> : text}
    </th>
  );
}

/** The height of rows that are not there. */
function Space({ height }: { height: number }) {
  return height <= 0 ? null : (
    <tr class={css.space} aria-hidden="true">
      <td style={{ height }} />
    </tr>
  );
}
