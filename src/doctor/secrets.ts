const MIN_LENGTH = 6;
const TOKEN = /\beyJ[\w-]+\.[\w-]+\.[\w-]*/g;
const SEALED = /\bFe26\.2\*[\w*~.-]+/g;
const KEY = /\b(?:sk|wos_api_key|svc|whsec)_\w{8,}/g;

/** What must not get into a report: everything secret that the doctor was given or met, and what looks like it. */
export type Secrets = { add(...values: readonly (string | undefined)[]): void; hide(text: string): string };

export function makeSecrets(): Secrets {
  const known = new Set<string>();
  return {
    add: (...values) => {
      for (const value of values) if (value !== undefined && value.length >= MIN_LENGTH) known.add(value);
    },
    hide: (text) => {
      let hidden = text;
      // The longest first: one may hold another.
      for (const value of [...known].toSorted((left, right) => right.length - left.length))
        hidden = hidden.replaceAll(value, '[hidden]');
      return hidden.replaceAll(TOKEN, '[hidden]').replaceAll(SEALED, '[hidden]').replaceAll(KEY, '[hidden]');
    },
  };
}
