import { useState } from 'preact/hooks';
import type { Usage } from '../../client/client.ts';
import { codeName } from '../words/names.ts';
import { usePageText } from '../words/page-text.ts';
import css from './usage-plot.module.css';

/** The numbers of a plot, as a table that is made when it is opened. */
export function UsageTable({ usage, outcomes }: { usage: Usage; outcomes: readonly string[] }) {
  const { w, f } = usePageText();
  const [isOpen, setOpen] = useState(false);
  return (
    <details onToggle={(event) => setOpen(event.currentTarget.open)}>
      <summary>{w.asTable}</summary>
      {isOpen && (
        <div class={css.table} tabIndex={0} role="region" aria-label={w.asTable}>
          <table>
            <thead>
              <tr>
                <th scope="col">{w.time}</th>
                <th scope="col">{w.total}</th>
                {outcomes.map((code) => (
                  <th key={code} scope="col">
                    {codeName(code, w)}
                  </th>
                ))}
              </tr>
            </thead>
            <tbody>
              {usage.data.map(({ start, total, codes }) => (
                <tr key={start}>
                  <th scope="row">{f.utc(start, usage.interval)}</th>
                  <td>{f.number(total)}</td>
                  {outcomes.map((code) => (
                    <td key={code}>{f.number(codes[code] ?? 0)}</td>
                  ))}
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      )}
    </details>
  );
}
