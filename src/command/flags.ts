/** Flags that every command has which calls Latchkey. */
export type ConnectionFlags = {
  url?: string;
  profile?: string;
  timeout?: number;
  verbose?: boolean;
};
export type OutputFlags = { json?: boolean; fields?: string };
export type CallFlags = ConnectionFlags & OutputFlags;
export type ConfirmFlags = { yes?: boolean };

const text = (input: string) => input;

/** Reads a whole number of a flag. @throws Error for anything else */
export function wholeNumber(least: number, most: number) {
  return (input: string): number => {
    const value = Number(input);
    if (!/^\d+$/.test(input) || value < least || value > most)
      throw new Error(`must be a whole number from ${least} to ${most}`);
    return value;
  };
}

export const textFlag = <const Brief extends string>(brief: Brief, placeholder: string) =>
  ({ kind: 'parsed', parse: text, optional: true, brief, placeholder }) as const;
export const requiredTextFlag = <const Brief extends string>(brief: Brief, placeholder: string) =>
  ({ kind: 'parsed', parse: text, brief, placeholder }) as const;
export const numberFlag = (brief: string, least: number, most: number) =>
  ({ kind: 'parsed', parse: wholeNumber(least, most), optional: true, brief, placeholder: 'n' }) as const;
export const switchFlag = (brief: string) => ({ kind: 'boolean', optional: true, withNegated: false, brief }) as const;

export const connectionFlags = {
  url: textFlag('URL of Latchkey; else LATCHKEY_URL, or that of the profile', 'url'),
  profile: textFlag('Profile that login stored; else LATCHKEY_PROFILE, or default', 'name'),
  timeout: numberFlag('Seconds to wait for an answer; 10 unless given', 1, 600),
  verbose: switchFlag('Print method, path, status and request id of every request to standard error'),
} as const;

export const callFlags = {
  ...connectionFlags,
  json: switchFlag("Print the API's answer as JSON"),
  fields: textFlag('Fields to print, separated by commas', 'a,b'),
} as const;

export const confirmFlags = { yes: switchFlag('Do not ask for confirmation') } as const;

/** The one argument of a command. */
export const argument = (placeholder: string, brief: string) =>
  ({ kind: 'tuple', parameters: [{ brief, parse: text, placeholder }] }) as const;
