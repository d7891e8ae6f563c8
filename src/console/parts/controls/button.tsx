import type { ComponentChildren, Ref } from 'preact';
import css from './button.module.css';

type Kind = 'plain' | 'primary' | 'warning' | 'danger' | 'quiet';
type Common = {
  kind?: Kind | undefined;
  icon?: boolean | undefined;
  label?: string | undefined;
  title?: string | undefined;
  children: ComponentChildren;
};
type Props = Common & {
  type?: 'button' | 'submit' | undefined;
  onClick?: ((event: MouseEvent) => void) | undefined;
  /** Why it does nothing now: it stays reachable by keyboard, and says so. */
  obstacle?: string | undefined;
  isBusy?: boolean | undefined;
  inner?: Ref<HTMLButtonElement> | undefined;
  /** Whether the menu that it opens is open. */
  isExpanded?: boolean | undefined;
};

const classOf = ({ kind = 'plain', icon }: Common) =>
  [css.button, css[kind], icon && css.icon].filter(Boolean).join(' ');

export function Button({ type = 'button', onClick, obstacle, isBusy, inner, isExpanded, ...look }: Props) {
  const isOff = obstacle !== undefined || isBusy === true;
  return (
    <button
      ref={inner ?? null}
      type={type}
      class={classOf(look)}
      aria-label={look.label}
      aria-disabled={isOff || undefined}
      aria-busy={isBusy || undefined}
      aria-haspopup={isExpanded === undefined ? undefined : 'menu'}
      aria-expanded={isExpanded}
      title={obstacle ?? look.title}
      onClick={(event) => {
        if (isOff) event.preventDefault();
        else onClick?.(event);
      }}
    >
      {look.children}
      {obstacle !== undefined && <span class="visually-hidden">({obstacle})</span>}
    </button>
  );
}

type LinkTarget = { href: string; download?: boolean | undefined; isNewTab?: boolean | undefined };

/** A link that looks like a button. */
export function ButtonLink({ href, download, isNewTab, ...look }: Common & LinkTarget) {
  const target = isNewTab === true ? '_blank' : undefined;
  return (
    <a class={classOf(look)} href={href} target={target} download={download} title={look.title} aria-label={look.label}>
      {look.children}
    </a>
  );
}
