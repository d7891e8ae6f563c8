import { makeSessionFetch } from './session-fetch.ts';

const RENEWED = 'latchkey.renewed';
const LOCK = 'latchkey.session';
const CHANGED = 'latchkey.changed';
const SIGNED_IN = 'latchkey.signed-in';

/** The `fetch` of a page on Latchkey's own origin: the cookie is its credential, and all tabs renew it together. */
export function makeRenewingFetch(onEnd: () => void): typeof globalThis.fetch {
  return makeSessionFetch({
    fetch: (input, init) => globalThis.fetch(input, init),
    alone,
    renewals: {
      last: () => Number(localStorage.getItem(RENEWED) ?? 0),
      record: (time) => localStorage.setItem(RENEWED, String(time)),
    },
    onEnd,
  });
}

/** Browsers have locks in secure contexts only; elsewhere the server's own single flight has to do. */
export function alone<T>(task: () => Promise<T>): Promise<T> {
  const { locks } = navigator as { locks?: LockManager };
  return locks ? locks.request(LOCK, task) : task();
}

/** Calls `then` when another tab has changed who the cookie is for; returns what ends that. */
export function onOtherSession(then: () => void): () => void {
  return onRecord(CHANGED, then);
}

/** Whether a tab has changed who the cookie is for since a time in milliseconds. */
export function isOtherSessionSince(time: number): boolean {
  return Number(localStorage.getItem(CHANGED) ?? 0) > time;
}

/** Tells the other tabs that the cookie is for another session now. */
export function announceOtherSession(): void {
  record(CHANGED);
}

/** Calls `then` when a person has signed in in another tab; returns what ends that. */
export function onSignIn(then: () => void): () => void {
  return onRecord(SIGNED_IN, then);
}

/** Tells the other tabs and frames that there is a session. Forms that are open in them stay. */
export function announceSignIn(): void {
  record(SIGNED_IN);
}

function onRecord(name: string, then: () => void): () => void {
  const listen = ({ key }: StorageEvent) => {
    if (key === name) then();
  };
  addEventListener('storage', listen);
  return () => removeEventListener('storage', listen);
}

function record(name: string): void {
  localStorage.setItem(name, String(Date.now()));
}
