import { useConsole } from '../data/console.ts';
import { Title } from '../parts/title.tsx';
import { KeysScreen } from './keys-screen.tsx';
import { useVirtualRows } from './use-virtual-rows.ts';

/** The list of keys as a page, which scrolls with the window. */
export function KeysPage() {
  const { console: words } = useConsole().product;
  return (
    <>
      <Title text={words.section} />
      <KeysScreen heading="h1" useRows={useVirtualRows} />
    </>
  );
}
