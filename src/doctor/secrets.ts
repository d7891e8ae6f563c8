const MIN_LENGTH = 6;
const TOKEN = /\beyJ[\w-]+\.[\w-]+\.[\w-]*/g;
const SEALED = /\bFe26\.2\*[\w*~.-]+/g;
const KEY = /\b(?:sk|wos_api_key|svc|whsec)_\w{8,}/g;

/** Hides in the report every secret that the doctor was given or received, and everything that looks like one. */
export type Secrets = { add(...values: readonly (string | undefined)[]): void; hide(text: string): string };

export function makeSecrets(): Secrets {
  const known = new Set<string>();
  return {
    add: (...values) => {
      for (const value of values) if (value !== undefined && value.length >= MIN_LENGTH) known.add(value);
    },
    hide: (text) => {
      let hidden = text;
      // The longest first: a secret may contain another.
      for (const value of [...known].toSorted((left, right) => right.length - left.length))
        hidden = hidden.replaceAll(value, '[hidden]');
      return hidden.replaceAll(TOKEN, '[hidden]').replaceAll(SEALED, '[hidden]').replaceAll(KEY, '[hidden]');
    },
  };
}
