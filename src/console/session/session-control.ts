import { createContext } from 'preact';
import { useContext, useEffect } from 'preact/hooks';
import type { KeyMethods } from '../../client/key-methods.ts';

/** What the screens need of the session. */
export type SessionControl = {
  client: KeyMethods;
  /** Keeps the page where it is until the returned function is called. */
  hold: () => () => void;
  /** The address that signs in again in another tab; undefined where the page around it does that. */
  signInUrl: string | undefined;
};

export const SessionContext = createContext<SessionControl | undefined>(undefined);

/** Inside the provider alone. */
export const useSessionControl = (): SessionControl => useContext(SessionContext)!;

/** Keeps the page where it is while a form is open, even if the session ends: what was typed is not lost. */
export function useHeldPage(): void {
  const { hold } = useSessionControl();
  useEffect(hold, [hold]);
}
