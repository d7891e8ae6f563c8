export const HOME = '/console';

const MAX_LENGTH = 2_000;
/** Stands for this service's origin, whatever its name. */
const BASE = 'http://console.invalid';

/** Returns the path in the console that a sign-in leads to; its start page for anything that is not in the console. */
export function returnTo(given: unknown): string {
  if (typeof given !== 'string' || given.length > MAX_LENGTH || !given.startsWith('/')) return HOME;
  const url = URL.parse(given, BASE);
  if (url?.origin !== BASE) return HOME;
  const isInside = url.pathname === HOME || url.pathname.startsWith(`${HOME}/`);
  return isInside ? url.pathname + url.search + url.hash : HOME;
}
