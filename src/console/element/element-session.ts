import type { ApiKey } from '../../client/client.ts';
import { keyMethods } from '../../client/key-methods.ts';
import type { KeyMethods } from '../../client/key-methods.ts';
import { makeSend } from '../../client/send.ts';
import type { GetToken, KeyInEvent, LatchkeyKeysEvents } from '../../element/element.ts';
import { makeRenewingFetch } from '../session/renewing-fetch.ts';
import type { SessionControl } from '../session/session-control.ts';
import { TIMEOUT_MS, signInUrl } from '../session/session.ts';
import { makeTokenFetch } from './token-fetch.ts';

type Fetch = typeof globalThis.fetch;
/** Dispatches an event of the element. */
export type Emit = <Name extends keyof LatchkeyKeysEvents>(
  name: Name,
  detail: LatchkeyKeysEvents[Name]['detail'],
) => void;
type Parts = { baseUrl: string; getToken: GetToken | undefined; emit: Emit };

/** Creates the element's session: by the tokens of the page around it, or by the cookie of its own origin. */
export function makeElementSession({ baseUrl, getToken, emit }: Parts): SessionControl {
  const end = makeEnd(emit);
  const credential = getToken
    ? makeTokenFetch({ fetch: (input, init) => globalThis.fetch(input, init), getToken, onEnd: end.reach })
    : { token: null, fetch: makeRenewingFetch(end.reach) };
  const send = makeSend({ ...credential, fetch: end.watch(credential.fetch), baseUrl, timeoutMs: TIMEOUT_MS });
  return {
    client: reporting(keyMethods(send), emit),
    hold: () => () => undefined,
    signInUrl: getToken ? undefined : signInUrl('/console/signed-in'),
  };
}

/** Says once that the session is over, until a request succeeds again. */
function makeEnd(emit: Emit) {
  let isOver = false;
  return {
    reach() {
      if (!isOver) emit('latchkey-session-ended', {});
      isOver = true;
    },
    watch:
      (fetch: Fetch): Fetch =>
      async (input, init) => {
        const response = await fetch(input, init);
        if (response.ok) isOver = false;
        return response;
      },
  };
}

/** The same methods, which emits what it has changed. */
function reporting(client: KeyMethods, emit: Emit): KeyMethods {
  const { keys } = client;
  return {
    ...client,
    keys: {
      ...keys,
      async create(...sent) {
        const made = await keys.create(...sent);
        emit('latchkey-key-created', { key: inEvent(made) });
        return made;
      },
      async rotate(id, ...sent) {
        const made = await keys.rotate(id, ...sent);
        emit('latchkey-key-rotated', { key: inEvent(made), replaced: id });
        return made;
      },
      async revoke(id, ...sent) {
        const answer = await keys.revoke(id, ...sent);
        emit('latchkey-key-revoked', { id });
        return answer;
      },
    },
  };
}

/** Lists what goes outside, so that the secret never does. */
function inEvent({
  id,
  label,
  environment,
  owner,
  permission_set,
  scopes,
  expires_at,
  created_at,
}: ApiKey): KeyInEvent {
  return { id, label, environment, owner, permission_set, scopes, expires_at, created_at };
}
