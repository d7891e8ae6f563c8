import { useState } from 'preact/hooks';
import type { PermissionGroup } from '../../client/client.ts';
import { usePermissions } from '../data/queries.ts';
import { Loading } from '../parts/shown/loading.tsx';
import { useText } from '../words/text.ts';
import { findScopes, heldBy } from './scopes.ts';
import css from './scope-picker.module.css';

type Props = { value: readonly string[]; onValue: (scopes: string[]) => void };

/** Scopes to choose from, in groups; those that a chosen one implies are shown as held. */
export function ScopePicker({ value, onValue }: Props) {
  const { w, f } = useText();
  const { data } = usePermissions();
  const [sought, setSought] = useState('');
  if (!data) return <Loading rows={2} />;
  const held = heldBy(value, data);
  const found = findScopes(data, sought);
  const toggle = (name: string) =>
    onValue(value.includes(name) ? value.filter((each) => each !== name) : [...value, name]);
  return (
    <div class={css.picker}>
      <input
        type="search"
        class={css.search}
        aria-label={w.searchScopes}
        placeholder={w.searchScopes}
        value={sought}
        onInput={(event) => setSought(event.currentTarget.value)}
        onKeyDown={(event) => {
          if (event.key === 'Enter') event.preventDefault();
        }}
      />
      <div class={css.groups}>
        {found.map(({ group, permissions }) => (
          <div key={group} class={css.group} role="group" aria-label={group}>
            <h3>{group}</h3>
            {permissions.map((scope) => (
              <Scope
                key={scope.name}
                scope={scope}
                isChosen={value.includes(scope.name)}
                heldBy={held.get(scope.name)}
                onToggle={() => toggle(scope.name)}
              />
            ))}
          </div>
        ))}
        {found.length === 0 && <p class={css.quiet}>{w.nothingFound}</p>}
      </div>
      <p class={css.quiet} aria-live="polite">
        {w.scopesChosen(f.number(value.length))}
      </p>
    </div>
  );
}

type ScopeProps = {
  scope: PermissionGroup['permissions'][number];
  isChosen: boolean;
  heldBy: string | undefined;
  onToggle: () => void;
};

function Scope({ scope, isChosen, heldBy, onToggle }: ScopeProps) {
  const { w, f } = useText();
  const isHeld = heldBy !== undefined && !isChosen;
  return (
    <label class={css.scope}>
      <input type="checkbox" checked={isChosen || isHeld} disabled={isHeld || !scope.choosable} onChange={onToggle} />
      <span class={css.about}>
        <code>{scope.name}</code>
        <span class={css.quiet}>{scope.description}</span>
        {scope.implies.length > 0 && <span class={css.quiet}>{w.implies(f.list(scope.implies))}</span>}
        {isHeld && <span class={css.quiet}>{w.heldBy(heldBy)}</span>}
        {!scope.choosable && !isHeld && <span class={css.quiet}>{w.notHeldByYou}</span>}
      </span>
    </label>
  );
}
