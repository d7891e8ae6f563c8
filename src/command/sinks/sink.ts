/** What has the secret: a key, or a CI session. */
export type Described = { id: string; label: string };

/** Where the secret of a new key goes. */
export type Sink = {
  /** As a sentence names it: `the file key.txt`. */
  name: string;
  /** Finds out before the key is made whether the secret can go there. @throws Error with the reason */
  check: () => Promise<void>;
  /** @throws Error when the secret is not there for certain */
  put: (secret: string, of: Described) => Promise<void>;
};
