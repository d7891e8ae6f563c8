import { useConsole } from '../data/console.ts';
import { useQueryString } from '../data/location.ts';
import { useDialogs } from '../dialogs/dialogs.tsx';
import { Button } from '../parts/controls/button.tsx';
import { KeyIcon, PlusIcon, SearchIcon } from '../parts/shown/icons.tsx';
import { obstacleText } from '../words/obstacles.ts';
import { useText } from '../words/text.ts';
import { FILTERS, isFiltered } from './keys-query.ts';
import css from './keys-screen.module.css';

/** Says why the list is empty, and what to do next. */
export function EmptyKeys() {
  const { query, set } = useQueryString();
  const { w } = useText();
  if (!isFiltered(query)) return <NoKeys />;
  const clear = Object.fromEntries(FILTERS.map((name) => [name, undefined]));
  return (
    <div class={css.empty}>
      <span class={css.mark}>
        <SearchIcon size={20} />
      </span>
      <h2>{w.nothingFound}</h2>
      <p>{w.nothingFoundHelp}</p>
      <Button onClick={() => set(clear)}>{w.clearFilters}</Button>
    </div>
  );
}

function NoKeys() {
  const { w } = useText();
  const { open } = useDialogs();
  const facts = useConsole();
  const { product, may } = facts;
  return (
    <div class={css.empty}>
      <span class={css.mark}>
        <KeyIcon size={20} />
      </span>
      <h2>{w.noKeys}</h2>
      <p>{w.noKeysHelp(product.name)}</p>
      {may.writeSome && (
        <Button kind="primary" obstacle={obstacleText(may.create, facts, w)} onClick={() => open('create')}>
          <PlusIcon />
          {product.console.create}
        </Button>
      )}
    </div>
  );
}
