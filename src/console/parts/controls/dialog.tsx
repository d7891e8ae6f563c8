import type { ComponentChildren } from 'preact';
import { useEffect, useId, useRef } from 'preact/hooks';
import { useText } from '../../words/text.ts';
import { Button } from './button.tsx';
import css from './dialog.module.css';
import { CloseIcon } from '../shown/icons.tsx';

type Props = {
  title: string;
  onClose: () => void;
  /** Refuses Escape and shows no cross: the content has its own way out. */
  isGuarded?: boolean | undefined;
  isWide?: boolean | undefined;
  /** Out of sight, with everything that was typed. */
  isAway?: boolean | undefined;
  children: ComponentChildren;
};

/** The platform's modal dialog, open while it is shown. The browser keeps the focus inside and gives it back. */
export function Dialog({ title, onClose, isGuarded = false, isWide = false, isAway = false, children }: Props) {
  const { w } = useText();
  const ref = useRef<HTMLDialogElement>(null);
  const id = useId();
  useEffect(() => {
    const dialog = ref.current!;
    if (!isAway && !dialog.open) dialog.showModal();
    return () => dialog.close();
  }, [isAway]);
  return (
    <dialog
      ref={ref}
      class={`${css.dialog} ${isWide ? css.wide : ''}`}
      aria-labelledby={id}
      onCancel={(event) => {
        event.preventDefault();
        if (!isGuarded) onClose();
      }}
      onKeyDown={(event) => {
        // Chromium closes a dialog at the second Escape, whatever its cancel event says.
        if (event.key === 'Escape' && isGuarded) event.preventDefault();
      }}
    >
      <div class={css.head}>
        <h2 id={id}>{title}</h2>
        {!isGuarded && (
          <Button kind="quiet" icon label={w.close} onClick={onClose}>
            <CloseIcon />
          </Button>
        )}
      </div>
      {children}
    </dialog>
  );
}

type FormProps = { onSubmit: () => void; children: ComponentChildren; foot: ComponentChildren };

/** A dialog's content with its buttons, which Enter submits. */
export function DialogForm({ onSubmit, children, foot }: FormProps) {
  const form = useRef<HTMLFormElement>(null);
  useEffect(() => focusFirst(form.current!), []);
  return (
    <form
      ref={form}
      class={css.form}
      noValidate
      onSubmit={(event) => {
        event.preventDefault();
        onSubmit();
      }}
    >
      <div class={css.content}>{children}</div>
      <footer class={css.foot}>{foot}</footer>
    </form>
  );
}

/** A form that came after its dialog was open gets the focus that the browser gave to the cross meanwhile. */
function focusFirst(form: HTMLFormElement): void {
  const first =
    form.querySelector<HTMLElement>('[autofocus]') ?? form.querySelector<HTMLElement>('input, select, button');
  if (!form.contains(document.activeElement)) first?.focus();
}
