import type { ComponentChildren } from 'preact';
import { useEffect, useRef, useState } from 'preact/hooks';
import { Button } from './button.tsx';
import css from './menu.module.css';

export type MenuItem = {
  text: string;
  onClick: () => void;
  obstacle?: string | undefined;
  isDanger?: boolean | undefined;
};

const GAP = 4;
/** A click on the button closes an open menu before it is a click: it is not to open it again. */
const SAME_CLICK_MS = 250;

/** A button that opens a list of actions: a popover of the platform, closed by Escape and by a click elsewhere. */
export function Menu({ label, icon, items }: { label: string; icon: ComponentChildren; items: readonly MenuItem[] }) {
  const button = useRef<HTMLButtonElement>(null);
  const closedAt = useRef(Number.NEGATIVE_INFINITY);
  const [isOpen, setOpen] = useState(false);
  const close = () => {
    closedAt.current = performance.now();
    setOpen(false);
  };
  const toggle = () => setOpen(!isOpen && performance.now() - closedAt.current > SAME_CLICK_MS);
  return (
    <>
      <Button inner={button} kind="quiet" icon label={label} isExpanded={isOpen} onClick={toggle}>
        {icon}
      </Button>
      {isOpen && <Items label={label} items={items} opener={button.current!} onClose={close} />}
    </>
  );
}

type ItemsProps = {
  label: string;
  items: readonly MenuItem[];
  opener: HTMLElement;
  onClose: () => void;
};

function Items({ label, items, opener, onClose }: ItemsProps) {
  const menu = useRef<HTMLDivElement>(null);
  useEffect(() => {
    const shown = menu.current!;
    shown.showPopover();
    place(shown, opener);
    shown.querySelector('button')?.focus();
    const close = () => onClose();
    addEventListener('scroll', close, { passive: true, once: true });
    return () => removeEventListener('scroll', close);
  }, [opener]);
  return (
    <div
      ref={menu}
      class={css.menu}
      popover="auto"
      role="menu"
      aria-label={label}
      onToggle={(event) => {
        if ((event as unknown as ToggleEvent).newState === 'closed') onClose();
      }}
      onKeyDown={(event) => moveFocus(event, opener)}
    >
      {items.map(({ text, onClick, obstacle, isDanger }) => (
        <button
          key={text}
          type="button"
          role="menuitem"
          class={`${css.item} ${isDanger && obstacle === undefined ? css.danger : ''}`}
          aria-disabled={obstacle !== undefined || undefined}
          onClick={() => {
            if (obstacle !== undefined) return;
            onClose();
            opener.focus();
            onClick();
          }}
        >
          {text}
          {obstacle !== undefined && <span class={css.why}>{obstacle}</span>}
        </button>
      ))}
    </div>
  );
}

/** Below the opener, at its end; above it where there is no room. */
function place(menu: HTMLElement, opener: HTMLElement): void {
  const [at, own] = [opener.getBoundingClientRect(), menu.getBoundingClientRect()];
  const fits = at.bottom + GAP + own.height <= innerHeight;
  menu.style.top = `${fits ? at.bottom + GAP : Math.max(GAP, at.top - GAP - own.height)}px`;
  const isRightToLeft = getComputedStyle(opener).direction === 'rtl';
  const left = isRightToLeft ? at.left : at.right - own.width;
  menu.style.left = `${Math.min(Math.max(GAP, left), innerWidth - own.width - GAP)}px`;
}

function moveFocus(event: KeyboardEvent & { currentTarget: HTMLElement }, opener: HTMLElement): void {
  const items = [...event.currentTarget.querySelectorAll('button')];
  // In a shadow tree, the document's own active element is the host of the tree.
  const { activeElement } = event.currentTarget.getRootNode() as Document | ShadowRoot;
  const at = items.indexOf(activeElement as HTMLButtonElement);
  const to = { ArrowDown: at + 1, ArrowUp: at - 1 + items.length, Home: 0, End: items.length - 1 }[event.key];
  if (event.key === 'Escape') opener.focus();
  if (to === undefined) return;
  event.preventDefault();
  items[to % items.length]?.focus();
}
