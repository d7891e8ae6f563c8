import { useEffect } from 'preact/hooks';
import type { PermissionSet } from '../../client/client.ts';
import { usePermissionSets } from '../data/queries.ts';
import { CheckIcon } from '../parts/shown/icons.tsx';
import { Loading } from '../parts/shown/loading.tsx';
import { spaced } from '../words/names.ts';
import { useText } from '../words/text.ts';
import { compareSets } from './compare-sets.ts';
import css from './set-picker.module.css';

type Props = { value: string | undefined; onValue: (name: string) => void };

/** Permission sets, the smallest first, each with what it adds to the one before. */
export function SetPicker({ value, onValue }: Props) {
  const { w, f } = useText();
  const { data } = usePermissionSets();
  const sets = compareSets(data ?? []);
  const first = sets.find(({ set }) => set.allowed)?.set.name;
  useEffect(() => {
    if (value === undefined && first !== undefined) onValue(first);
  }, [value, first]);
  if (!data) return <Loading rows={2} />;
  return (
    <>
      <div class={css.sets}>
        {sets.map(({ set, smaller, adds }) => (
          <label key={set.name} class={css.set}>
            <input
              type="radio"
              name="permission-set"
              checked={set.name === value}
              disabled={!set.allowed}
              onChange={() => onValue(set.name)}
            />
            <span class={css.about}>
              <strong>{spaced(set.name)}</strong>
              <span class={css.quiet}>{set.description}</span>
              <span class={css.adds}>
                {smaller === undefined ? f.list(set.scopes) : w.setAdds(spaced(smaller.name), f.list(adds))}
              </span>
              {!set.allowed && <span class={css.adds}>{w.notInPlan}</span>}
            </span>
          </label>
        ))}
      </div>
      {sets.length > 1 && <Comparison sets={sets.map(({ set }) => set)} />}
    </>
  );
}

/** Every scope of every set, side by side. */
function Comparison({ sets }: { sets: readonly PermissionSet[] }) {
  const { w } = useText();
  const scopes = [...new Set(sets.flatMap((set) => set.scopes))];
  return (
    <details class={css.compare}>
      <summary>{w.compareSets}</summary>
      <div class={css.scroll} tabIndex={0} role="region" aria-label={w.compareSets}>
        <table>
          <thead>
            <tr>
              <th scope="col">{w.scope}</th>
              {sets.map((set) => (
                <th key={set.name} scope="col">
                  {spaced(set.name)}
                </th>
              ))}
            </tr>
          </thead>
          <tbody>
            {scopes.map((scope) => (
              <tr key={scope}>
                <th scope="row">
                  <code>{scope}</code>
                </th>
                {sets.map((set) => (
                  <td key={set.name}>
                    {set.scopes.includes(scope) ? <Held text={w.included} /> : <NotHeld text={w.notIncluded} />}
                  </td>
                ))}
              </tr>
            ))}
          </tbody>
        </table>
      </div>
    </details>
  );
}

function Held({ text }: { text: string }) {
  return (
    <span class={css.held}>
      <CheckIcon />
      <span class="visually-hidden">{text}</span>
    </span>
  );
}

function NotHeld({ text }: { text: string }) {
  return (
    <span class={css.quiet}>
      <span aria-hidden="true">–</span>
      <span class="visually-hidden">{text}</span>
    </span>
  );
}
