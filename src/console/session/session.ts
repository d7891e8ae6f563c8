import { createContext } from 'preact';
import { useContext } from 'preact/hooks';
import { createLatchkeyClient } from '../../client/client.ts';
import {
  alone,
  announceOtherSession,
  isOtherSessionSince,
  makeRenewingFetch,
  onOtherSession,
} from './renewing-fetch.ts';
import { refreshSession, signOut } from './session-fetch.ts';

const LEFT = 'latchkey.left';
const USED = 'latchkey.used';
/** A page that is back so soon was not signed in: it stops instead of going round in circles. */
const AGAIN_MS = 10_000;
/** The browser's store is slow to open: what needs it waits for the first screen. */
const STORED_AFTER_MS = 500;
/** Creating a key waits for WorkOS. */
export const TIMEOUT_MS = 30_000;

export type ConsoleSession = ReturnType<typeof makeSession>;
export const ConsoleSessionContext = createContext<ConsoleSession | undefined>(undefined);

/** The session of the console's own page, with the ways out of it. */
export function useConsoleSession(): ConsoleSession {
  const session = useContext(ConsoleSessionContext);
  if (!session) throw new TypeError('There is no session around this part.');
  return session;
}

/** Creates the page's session: its client, and the ways out of it. */
export function makeSession() {
  let open = 0;
  let isLeaving = false;
  const leave = () => {
    if (open > 0 || isLeaving) return;
    isLeaving = true;
    location.assign(wayOut());
  };
  const fetch = makeRenewingFetch(leave);
  const uses = makeUses();
  // What any tab asks for counts as use of the session.
  const counted: typeof globalThis.fetch = async (input, init) => {
    const response = await fetch(input, init);
    if (response.status !== 401) uses.record();
    return response;
  };
  followOtherSession();
  return {
    client: createLatchkeyClient({ baseUrl: location.origin, token: null, fetch: counted, timeoutMs: TIMEOUT_MS }),
    /** Leads to the sign-in, unless a form is open. */
    leave,
    signInUrl: signInUrl('/console/signed-in'),
    /** When the session was used last, as milliseconds. */
    lastUse: uses.last,
    hold() {
      open += 1;
      return () => void (open -= 1);
    },
    async switchTo(organizationId: string): Promise<void> {
      const response = await alone(() =>
        refreshSession(globalThis.fetch.bind(globalThis), { organization_id: organizationId }),
      );
      if (!response.ok) return location.assign(signInUrl('/console/keys', organizationId));
      announceOtherSession();
      location.assign('/console/keys');
    },
    end: isFramed() ? endBesideFrame : endHere,
  };
}

const beginAnew = () => location.assign('/console/keys');

/** Begins anew when another tab changes who the cookie is for: nothing that this one shows is true any more. */
function followOtherSession(): void {
  const startedAt = Date.now();
  setTimeout(() => {
    if (isOtherSessionSince(startedAt)) beginAnew();
    onOtherSession(beginAnew);
  }, STORED_AFTER_MS);
}

/** Notes for all tabs when the session was used last. */
function makeUses() {
  let writing: ReturnType<typeof setTimeout> | undefined;
  let usedAt = 0;
  const write = () => {
    writing = undefined;
    localStorage.setItem(USED, String(usedAt));
  };
  return {
    record(): void {
      usedAt = Date.now();
      writing ??= setTimeout(write, STORED_AFTER_MS);
    },
    last: () => Math.max(usedAt, Number(localStorage.getItem(USED) ?? Date.now())),
  };
}

async function endHere(): Promise<void> {
  const url = await signOut(globalThis.fetch.bind(globalThis));
  announceOtherSession();
  location.assign(url);
}

/** Ends the session at AuthKit in another tab, since its pages refuse to be shown in a frame. */
async function endBesideFrame(): Promise<void> {
  // Browsers open a tab for a click, but not for an answer that comes later.
  const tab = window.open('about:blank', '_blank');
  try {
    const url = await signOut(globalThis.fetch.bind(globalThis));
    announceOtherSession();
    tab?.location.assign(url);
    location.assign('/console/signed-out');
  } catch (error) {
    tab?.close();
    throw error;
  }
}

/** The address that signs a person in and leads back. */
export function signInUrl(returnTo = `${location.pathname}${location.search}`, organizationId?: string): string {
  const query = new URLSearchParams({
    return_to: returnTo,
    ...(organizationId && { organization_id: organizationId }),
  });
  return `/console/sign-in?${query.toString()}`;
}

/** Whether a page of the product shows the console in a frame. */
export const isFramed = (): boolean => window.parent !== window;

/** AuthKit's pages refuse to be shown in a frame: there, a page of the console offers to sign in in another tab. */
function wayOut(): string {
  if (isFramed()) return '/console/signed-out';
  return mayLeave() ? signInUrl() : '/console/signed-out?reason=not_signed_in';
}

function mayLeave(): boolean {
  const last = Number(sessionStorage.getItem(LEFT) ?? 0);
  sessionStorage.setItem(LEFT, String(Date.now()));
  return Date.now() - last > AGAIN_MS;
}
