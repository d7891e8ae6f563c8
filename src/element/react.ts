import { createElement, useEffect, useLayoutEffect, useRef } from 'react';
import type { DetailedHTMLProps, HTMLAttributes, ReactElement, RefObject } from 'react';
import type { GetToken, LatchkeyKeysElement, LatchkeyKeysEvents } from './element.ts';

type On<Name extends keyof LatchkeyKeysEvents> = (detail: LatchkeyKeysEvents[Name]['detail']) => void;

export type LatchkeyKeysProps = Pick<HTMLAttributes<HTMLElement>, 'id' | 'className' | 'style' | 'lang' | 'hidden'> & {
  /** Where Latchkey is; the page's own origin by default. */
  baseUrl?: string | undefined;
  theme?: 'light' | 'dark' | 'auto' | undefined;
  /** Always the newest function is called. Give the component another `key` to begin anew, as for another organization. */
  getToken?: GetToken | undefined;
  onKeyCreated?: On<'latchkey-key-created'> | undefined;
  onKeyRotated?: On<'latchkey-key-rotated'> | undefined;
  onKeyRevoked?: On<'latchkey-key-revoked'> | undefined;
  onError?: On<'latchkey-error'> | undefined;
  onSessionEnded?: On<'latchkey-session-ended'> | undefined;
};

type Listeners = { [Name in keyof LatchkeyKeysEvents as `on${Name}`]?: (event: LatchkeyKeysEvents[Name]) => void };
type Tag = DetailedHTMLProps<HTMLAttributes<LatchkeyKeysElement>, LatchkeyKeysElement> &
  Listeners & {
    'base-url'?: string | undefined;
    class?: string | undefined;
    theme?: 'light' | 'dark' | 'auto' | undefined;
    /** Set by React 19, if `latchkey/element` was imported before the first render. */
    getToken?: GetToken | undefined;
  };

declare module 'react' {
  namespace JSX {
    interface IntrinsicElements {
      'latchkey-keys': Tag;
    }
  }
}

const EVENTS = {
  'latchkey-key-created': 'onKeyCreated',
  'latchkey-key-rotated': 'onKeyRotated',
  'latchkey-key-revoked': 'onKeyRevoked',
  'latchkey-error': 'onError',
  'latchkey-session-ended': 'onSessionEnded',
} as const satisfies Record<keyof LatchkeyKeysEvents, keyof LatchkeyKeysProps>;

/** React 18 warns of layout effects on servers, where no effect runs. */
const useLayout = typeof document === 'undefined' ? useEffect : useLayoutEffect;

/** `<latchkey-keys>` in React. Loads the element in the browser, so that servers can render the page. */
export function LatchkeyKeys(props: LatchkeyKeysProps): ReactElement {
  const { baseUrl, theme, className, id, style, lang, hidden } = props;
  const element = useRef<LatchkeyKeysElement>(null);
  const latest = useRef(props);
  useLayout(() => {
    latest.current = props;
  });
  useToken(element, latest, props.getToken !== undefined);
  useEvents(element, latest);
  useEffect(() => void import('latchkey/element'), []);
  const attributes = { id, style, lang, hidden, theme, class: className, 'base-url': baseUrl };
  return createElement('latchkey-keys', { ref: element, ...attributes });
}

/** Sets the callback before the element asks for anything. */
function useToken(
  element: RefObject<LatchkeyKeysElement | null>,
  latest: RefObject<LatchkeyKeysProps>,
  isGiven: boolean,
): void {
  useLayout(() => {
    element.current!.getToken = isGiven ? async () => latest.current.getToken!() : undefined;
  }, [element, latest, isGiven]);
}

function useEvents(element: RefObject<LatchkeyKeysElement | null>, latest: RefObject<LatchkeyKeysProps>): void {
  useEffect(() => {
    const target = element.current!;
    const call = (event: Event) => {
      const { type, detail } = event as CustomEvent<never>;
      latest.current[EVENTS[type as keyof LatchkeyKeysEvents]]?.(detail);
    };
    const names = Object.keys(EVENTS);
    for (const name of names) target.addEventListener(name, call);
    return () => {
      for (const name of names) target.removeEventListener(name, call);
    };
  }, [element, latest]);
}
