import { useContext, useEffect, useRef, useState } from 'preact/hooks';
import { useConsole } from '../data/console.ts';
import { changeQuery, useQueryString } from '../data/location.ts';
import { useAskAhead, usePermissionSets } from '../data/queries.ts';
import { SearchIcon } from '../parts/shown/icons.tsx';
import { spaced } from '../words/names.ts';
import { useText } from '../words/text.ts';
import type { Words } from '../words/words.ts';
import css from './filters.module.css';
import { KeyExtrasContext } from './key-extras.ts';
import { ENDING_DAYS, SORTS, STATUSES, readKeysQuery } from './keys-query.ts';

/** A pause in typing after which the list is drawn; drawing holds up letters. The server is asked at each letter. */
const TYPING_MS = 80;

const NOTHING_YET = '\u00a0';

type Props = { total: number | undefined; isBusy: boolean };

/** Search, filters and order of the list; all of them are in the address. */
export function Filters({ total, isBusy }: Props) {
  const { w, f } = useText();
  return (
    <search class={css.filters} aria-busy={isBusy}>
      <Search />
      <EnvironmentSwitch />
      <Choices />
      {/* It has its place before it is known: nothing below moves. */}
      <span class={css.total}>{total === undefined ? NOTHING_YET : w.keysFound(total, f.number(total))}</span>
    </search>
  );
}

function Search() {
  const { w } = useText();
  const facts = useConsole();
  const askAhead = useAskAhead();
  const { query, set } = useQueryString();
  const asked = query['q'] ?? '';
  const [typed, setTyped] = useState(asked);
  const sent = useRef(asked);
  useEffect(() => {
    if (asked !== sent.current) setTyped((sent.current = asked));
  }, [asked]);
  useEffect(() => {
    if (typed === sent.current) return undefined;
    const giveUp = askAhead(readKeysQuery(changeQuery(query, { q: typed }), facts));
    const timer = setTimeout(() => set({ q: (sent.current = typed) }), TYPING_MS);
    return () => {
      clearTimeout(timer);
      if (sent.current !== typed) giveUp();
    };
  }, [typed, set]);
  return (
    <div class={css.search}>
      <SearchIcon />
      <input
        type="search"
        data-shortcut="search"
        aria-label={w.searchKeys}
        placeholder={w.searchKeys}
        value={typed}
        maxLength={100}
        autocomplete="off"
        spellcheck={false}
        onInput={(event) => setTyped(event.currentTarget.value)}
      />
    </div>
  );
}

/** Live or test keys: said by a word, and by a colour. */
function EnvironmentSwitch() {
  const { w } = useText();
  const { query, set } = useQueryString();
  const { environments } = useConsole().product;
  if (environments.length < 2) return null;
  const chosen = query['environment'] === 'test' ? 'test' : 'live';
  return (
    <div class={css.switch} role="radiogroup" aria-label={w.environment}>
      {environments.map((environment) => (
        <label key={environment} class={environment === 'test' ? css.test : undefined}>
          <input
            type="radio"
            name="environment"
            checked={environment === chosen}
            onChange={() => set({ environment: environment === 'test' ? 'test' : undefined })}
          />
          {environment === 'test' ? w.testKeys : w.liveKeys}
        </label>
      ))}
    </div>
  );
}

function Choices() {
  const { w } = useText();
  const { product, may } = useConsole();
  const { Filter } = useContext(KeyExtrasContext);
  const sets = usePermissionSets().data;
  return (
    <>
      <Choice name="status" label={w.status} options={STATUSES.map((value) => [value, statusFilter(value, w)])} />
      {product.permission_sets && sets?.length !== 1 && (
        <Choice
          name="permission_set"
          label={w.permissionSet}
          options={[['', w.anyPermissions], ...(sets ?? []).map(({ name }): [string, string] => [name, spaced(name)])]}
        />
      )}
      {product.owners.length > 1 && may.readAll && (
        <Choice
          name="owner"
          label={w.owner}
          options={[
            ['', w.anyOwner],
            ['me', w.ownerMe],
            ['organization', w.ownerOrganization],
            ['user', w.ownerPeople],
          ]}
        />
      )}
      {Filter && <Filter />}
      <Choice
        name="ending"
        label={w.expiry}
        options={[
          ['', w.anyExpiry],
          ['1', w.endsWithin(ENDING_DAYS)],
        ]}
      />
      <Choice name="sort" label={w.sort} options={SORTS.map((value) => [value, sortName(value, w)])} />
    </>
  );
}

export function Choice({ name, label, options }: { name: string; label: string; options: [string, string][] }) {
  const { query, set } = useQueryString();
  const usual = options[0]![0];
  return (
    <select
      class={css.select}
      aria-label={label}
      value={query[name] ?? usual}
      onChange={({ currentTarget: { value } }) => set({ [name]: value === usual ? undefined : value })}
    >
      {options.map(([value, text]) => (
        <option key={value} value={value}>
          {text}
        </option>
      ))}
    </select>
  );
}

function statusFilter(status: (typeof STATUSES)[number], w: Words): string {
  return {
    active: w.statusActiveKeys,
    suspended: w.statusSuspendedKeys,
    expired: w.statusExpiredKeys,
    revoked: w.statusRevokedKeys,
    all: w.statusAll,
  }[status];
}

function sortName(sort: (typeof SORTS)[number], w: Words): string {
  return { '-created_at': w.sortNewest, created_at: w.sortOldest, label: w.sortName, expires_at: w.sortEnding }[sort];
}
