import { useConsole } from '../data/console.ts';
import { CiFilter } from '../ci/ci-filter.tsx';
import { KeyMarks } from '../marks/key-marks.tsx';
import { Title } from '../parts/title.tsx';
import { useSuspensionActions } from '../suspension/use-suspension-actions.ts';
import { KeyExtrasContext } from './key-extras.ts';
import type { KeyExtras } from './key-extras.ts';
import { KeysScreen } from './keys-screen.tsx';
import { useVirtualRows } from './use-virtual-rows.ts';

const OF_PAGE: KeyExtras = { Filter: CiFilter, Marks: KeyMarks, useActions: useSuspensionActions };

/** The list of keys as a page, which scrolls with the window. */
export function KeysPage() {
  const { console: words } = useConsole().product;
  return (
    <KeyExtrasContext.Provider value={OF_PAGE}>
      <Title text={words.section} />
      <KeysScreen heading="h1" useRows={useVirtualRows} />
    </KeyExtrasContext.Provider>
  );
}
