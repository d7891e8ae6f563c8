import { useConsole } from '../data/console.ts';
import { CopyText } from '../parts/controls/copy.tsx';
import { usePageText } from '../words/page-text.ts';
import css from './ci-screen.module.css';
import type { Issuer } from './issuers.ts';
import { issuerName } from './issuers.ts';
import { snippetOf } from './snippet-text.ts';
import type { SnippetPolicy } from './snippet-text.ts';

type Props = { kind: Issuer['kind']; policy: SnippetPolicy };

/** Lines for a job, ready to be copied. */
export function Snippet({ kind, policy }: Props) {
  const { w } = usePageText();
  const { variable } = useConsole().product.console;
  const text = snippetOf(kind, policy, { url: location.origin, variable });
  const title = kind === 'own' ? w.inTheJob : `${w.inTheJob} · ${issuerName(kind)}`;
  return (
    <figure class={css.snippet}>
      <figcaption>
        {title} <CopyText value={text} label={w.copySnippet} />
      </figcaption>
      <pre tabIndex={0} dir="ltr">
        <code>{text}</code>
      </pre>
    </figure>
  );
}
