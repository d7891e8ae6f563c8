import { h, render } from 'preact';
import type { LatchkeyKeysElement } from '../../element/element.ts';
import { onOtherSession } from '../session/renewing-fetch.ts';
import type { SessionControl } from '../session/session-control.ts';
import type { Text } from '../words/words.ts';
import { ElementApp } from './element-app.tsx';
import { makeElementSession } from './element-session.ts';
import type { Emit } from './element-session.ts';
import { loadKeyText } from './load-key-text.ts';
import { adoptStyles } from './styles.ts';

type Shown = { key: number; session: SessionControl; text: Text };

/** Draws one element: its own session, queries and words, so that several stand side by side. */
export function makeView(element: LatchkeyKeysElement, root: ShadowRoot) {
  const dark = matchMedia('(prefers-color-scheme: dark)');
  let begun = 0;
  let shown: Shown | undefined;
  let ends: (() => void)[] = [];
  const emit: Emit = (name, detail) =>
    void element.dispatchEvent(new CustomEvent(name, { detail, bubbles: true, composed: true }));
  adoptStyles(root);

  function draw(): void {
    if (!shown) return;
    const { key, session, text } = shown;
    render(h(ElementApp, { key, session, text, emit, isDark: isDark(element, dark) }), root);
  }

  /** Shows the keys from the beginning: other settings have other keys, and nothing of the old ones stays. */
  async function begin(): Promise<void> {
    clear();
    const key = begun;
    const { getToken, isConnected } = element;
    const baseUrl = new URL(element.getAttribute('base-url') ?? '/', element.baseURI);
    // The cookie goes to its own origin alone: elsewhere a token is on its way.
    if (!isConnected || (!getToken && baseUrl.origin !== location.origin)) return;
    const text = await loadKeyText(languagesOf(element));
    if (key !== begun) return;
    shown = { key, text, session: makeElementSession({ baseUrl: baseUrl.href, getToken, emit }) };
    draw();
  }

  function clear(): void {
    begun += 1;
    shown = undefined;
    render(null, root);
  }

  const beginAgain = () => void begin();

  return {
    begin: beginAgain,
    draw,
    connect(): void {
      dark.addEventListener('change', draw);
      ends = [() => dark.removeEventListener('change', draw), onOtherSession(beginAgain)];
      beginAgain();
    },
    disconnect(): void {
      for (const end of ends) end();
      ends = [];
      clear();
    },
  };
}

function isDark(element: HTMLElement, dark: MediaQueryList): boolean {
  const theme = element.getAttribute('theme');
  return theme === 'dark' || (theme !== 'light' && dark.matches);
}

/** The language of the element or of what it stands in; else those of the browser. */
function languagesOf(element: HTMLElement): readonly string[] {
  const lang = element.closest('[lang]')?.getAttribute('lang');
  return lang ? [lang] : navigator.languages;
}
