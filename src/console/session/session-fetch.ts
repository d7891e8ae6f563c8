type Fetch = typeof globalThis.fetch;
type Parts = {
  fetch: Fetch;
  /** Runs one task at a time in all tabs of this browser. */
  alone: <T>(task: () => Promise<T>) => Promise<T>;
  /** When the session was renewed last, by any tab, as milliseconds. */
  renewals: { last: () => number; record: (time: number) => void };
  /** Called when the session is over. */
  onEnd: () => void;
};

/**
 * Returns a `fetch` that renews an expired session once and repeats the request. Refresh tokens work once, so one tab at a
 * time renews, and the others use what it got.
 */
export function makeSessionFetch({ fetch, alone, renewals, onEnd }: Parts): Fetch {
  return async function sessionFetch(input, init) {
    const sentAt = Date.now();
    const response = await fetch(input, init);
    if (response.status !== 401) return response;
    const isRenewed = (await isExpired(response)) && (await alone(() => renew(sentAt)));
    const repeated = isRenewed ? await fetch(input, init) : response;
    if (repeated.status === 401) onEnd();
    return repeated;
  };

  async function renew(sentAt: number): Promise<boolean> {
    if (renewals.last() > sentAt) return true;
    const { ok, status } = await refreshSession(fetch, {});
    if (ok) renewals.record(Date.now());
    if (!ok && status >= 500) throw new TypeError('The session cannot be renewed now.');
    return ok;
  }
}

/** Renews the session in the cookie, or moves it to another organization. */
export function refreshSession(fetch: Fetch, wanted: { organization_id?: string }): Promise<Response> {
  return post(fetch, '/console/refresh', wanted);
}

/** Ends the session; returns the address at which WorkOS ends its own. */
export async function signOut(fetch: Fetch): Promise<string> {
  const response = await post(fetch, '/console/sign-out', {});
  if (!response.ok) throw new TypeError('The session could not be ended.');
  return ((await response.json()) as { url: string }).url;
}

function post(fetch: Fetch, path: string, body: object): Promise<Response> {
  const headers = { 'content-type': 'application/json', accept: 'application/json' };
  return fetch(path, { method: 'POST', headers, body: JSON.stringify(body), credentials: 'same-origin' });
}

async function isExpired(response: Response): Promise<boolean> {
  const answer = (await response
    .clone()
    .json()
    .catch(() => undefined)) as { error?: { code?: string } } | undefined;
  return answer?.error?.code === 'credential_expired';
}
