import { useState } from 'preact/hooks';
import { useText } from '../../words/text.ts';
import { useAnnounce } from '../announce.tsx';
import css from './copy.module.css';

/** Puts a text on the clipboard; false where the browser has none, or refuses. */
export async function copyText(text: string): Promise<boolean> {
  const { clipboard } = navigator as { clipboard?: Clipboard };
  if (!clipboard) return false;
  return clipboard.writeText(text).then(
    () => true,
    () => false,
  );
}

/** Selects an element's text, for copying by keyboard. */
export function selectText(element: Element): void {
  getSelection()?.selectAllChildren(element);
}

/** A small button that copies, and says whether it did. */
export function CopyText({ value, label }: { value: string; label: string }) {
  const { w } = useText();
  const announce = useAnnounce();
  const [state, setState] = useState<'idle' | 'copied' | 'failed'>('idle');
  const copy = async () => {
    const isCopied = await copyText(value);
    setState(isCopied ? 'copied' : 'failed');
    announce(isCopied ? w.copied : w.copyFailed);
  };
  const says = { idle: w.copy, copied: w.copied, failed: w.copyFailed }[state];
  return (
    <button
      type="button"
      class={css.small}
      aria-label={state === 'idle' ? label : undefined}
      onClick={() => void copy()}
    >
      {says}
    </button>
  );
}
