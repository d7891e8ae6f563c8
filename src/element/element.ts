import type { ApiKey } from '../client/client.ts';

/** What the events say of a key; its secret is in none of them. */
export type KeyInEvent = Pick<
  ApiKey,
  'id' | 'label' | 'environment' | 'owner' | 'permission_set' | 'scopes' | 'expires_at' | 'created_at'
>;

/** The events of `<latchkey-keys>`; all of them bubble, also out of shadow trees. */
export type LatchkeyKeysEvents = {
  /** A key was created. Its secret is still shown: keep the element where it is. */
  'latchkey-key-created': CustomEvent<{ key: KeyInEvent }>;
  /** A key was replaced by `key`, whose secret is still shown. `replaced` is the id of the old key. */
  'latchkey-key-rotated': CustomEvent<{ key: KeyInEvent; replaced: string }>;
  'latchkey-key-revoked': CustomEvent<{ id: string }>;
  /** A request failed, after its retries. `code` is an error code of the API, or of the client. */
  'latchkey-error': CustomEvent<{ code: string; message: string; requestId: string | undefined }>;
  /** The token or the session was refused, and could not be renewed. */
  'latchkey-session-ended': CustomEvent<Record<string, never>>;
};

/** Returns a fresh access token of the person. Called at first, and whenever the last token was refused. */
export type GetToken = () => Promise<string>;

/** The list of an organization's keys, with all that creates, replaces, changes and revokes them. */
export interface LatchkeyKeysElement extends HTMLElement {
  /** Without it, the session's cookie is used, on the page's own origin. Another function begins anew. */
  getToken: GetToken | undefined;
  addEventListener<Name extends keyof LatchkeyKeysEvents>(
    type: Name,
    listener: (event: LatchkeyKeysEvents[Name]) => void,
    options?: boolean | AddEventListenerOptions,
  ): void;
  addEventListener(
    type: string,
    listener: EventListenerOrEventListenerObject,
    options?: boolean | AddEventListenerOptions,
  ): void;
}

declare global {
  interface HTMLElementTagNameMap {
    'latchkey-keys': LatchkeyKeysElement;
  }
}
