import { useEffect, useRef, useState } from 'preact/hooks';
import type { ComponentChildren } from 'preact';
import { useConsole } from '../data/console.ts';
import { useAnnounce } from '../parts/announce.tsx';
import { Button } from '../parts/controls/button.tsx';
import { CopyText, copyText, selectText } from '../parts/controls/copy.tsx';
import dialog from '../parts/controls/dialog.module.css';
import { CheckIcon, CopyIcon } from '../parts/shown/icons.tsx';
import { useText } from '../words/text.ts';
import css from './secret-panel.module.css';

type Props = { secret: string; isOnce: boolean; onDone: () => void; children?: ComponentChildren };

/** A secret, with the ways to keep it. It closes after a copy that succeeded, or when the reader says it is saved. */
export function SecretPanel({ secret, isOnce, onDone, children }: Props) {
  const { w } = useText();
  const announce = useAnnounce();
  const shown = useRef<HTMLElement>(null);
  const [state, setState] = useState<'idle' | 'copied' | 'failed'>('idle');
  useUnsavedWarning(state !== 'copied' && isOnce);
  const copy = async () => {
    const isCopied = await copyText(secret);
    setState(isCopied ? 'copied' : 'failed');
    announce(isCopied ? w.secretCopied : w.secretNotCopied);
    if (!isCopied) selectText(shown.current!);
  };
  return (
    <>
      <div class={dialog.content}>
        <p class={css.note}>{isOnce ? w.secretOnce : w.secretAgain}</p>
        <code ref={shown} class={css.secret} tabIndex={0} aria-label={w.secret} onCopy={() => setState('copied')}>
          {secret}
        </code>
        {state === 'copied' && (
          <p class={css.state}>
            <CheckIcon />
            {w.secretCopied}
          </p>
        )}
        {state === 'failed' && <p class={`${css.state} ${css.failed}`}>{w.secretNotCopied}</p>}
        {children}
        <ReadyLines secret={secret} />
      </div>
      <footer class={dialog.foot}>
        {state !== 'copied' && <Button onClick={onDone}>{isOnce ? w.savedIt : w.close}</Button>}
        <Button kind={state === 'copied' ? 'plain' : 'primary'} onClick={() => void copy()} inner={focusOnce}>
          <CopyIcon />
          {w.copyKey}
        </Button>
        {state === 'copied' && (
          <Button kind="primary" onClick={onDone}>
            {w.done}
          </Button>
        )}
      </footer>
    </>
  );
}

const focused = new WeakSet<Element>();
function focusOnce(button: HTMLButtonElement | null): void {
  if (button === null || focused.has(button)) return;
  focused.add(button);
  button.focus();
}

/** What to paste: a line for `.env`, and a request. */
function ReadyLines({ secret }: { secret: string }) {
  const { w } = useText();
  const { variable, header, base_url: base } = useConsole().product.console;
  const env = `${variable}=${secret}`;
  const joined = /[:\s]$/.test(header) ? header : `${header} `;
  const curl = `curl ${base ?? 'https://api.example.com'} \\\n  -H "${joined}$${variable}"`;
  return (
    <details class={css.lines}>
      <summary>{w.readyLines}</summary>
      <Line name=".env" text={env} />
      <Line name="curl" text={curl} />
    </details>
  );
}

function Line({ name, text }: { name: string; text: string }) {
  const { w } = useText();
  return (
    <div class={css.line}>
      <div>
        <span>{name}</span>
        <CopyText value={text} label={w.copyLine(name)} />
      </div>
      <pre tabIndex={0}>
        <code>{text}</code>
      </pre>
    </div>
  );
}

/** Asks before the tab closes over a secret that nothing has yet. */
function useUnsavedWarning(isOn: boolean): void {
  useEffect(() => {
    if (!isOn) return undefined;
    const warn = (event: BeforeUnloadEvent) => event.preventDefault();
    addEventListener('beforeunload', warn);
    return () => removeEventListener('beforeunload', warn);
  }, [isOn]);
}
