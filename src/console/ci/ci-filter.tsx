import { useConsole } from '../data/console.ts';
import { Choice } from '../keys/filters.tsx';
import { usePageText } from '../words/page-text.ts';

/** Switches the list to the keys of CI jobs, which it hides otherwise. */
export function CiFilter() {
  const { w } = usePageText();
  const { product, may } = useConsole();
  if (!product.ci || !may.readAll) return null;
  return (
    <Choice
      name="origin"
      label={w.madeBy}
      options={[
        ['', w.notOfCi],
        ['ci', w.ciKeys],
      ]}
    />
  );
}
