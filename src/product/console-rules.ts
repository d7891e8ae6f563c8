import { z } from 'zod';

const MAX_ADDRESS = 200;
const LOOPBACK = ['localhost', '127.0.0.1', '[::1]'];
const ORIGIN = /^https?:\/\/(?:[a-z0-9.-]+|\[[0-9a-f:]+\])(?::\d{1,5})?$/;
const BASE_URL = /^https?:\/\/(?:[A-Za-z0-9.-]+|\[[0-9A-Fa-f:]+\])(?::\d{1,5})?(?:\/[A-Za-z0-9._~/-]*)?$/;
const SECURE = 'must be an https address; http is for loopback only';

const wording = z
  .string()
  .regex(/^\S(?:.*\S)?$/, 'must be one line without spaces around it')
  .max(64);
const origin = z
  .string()
  .max(MAX_ADDRESS)
  .regex(ORIGIN, 'must be an origin in lower case, such as https://app.example.com')
  .refine(isSecure, SECURE);

/** The `console` section of the product's file. */
export const ConsoleRules = z
  .strictObject({
    enabled: z.boolean().default(true).describe('Whether `/console` is served.'),
    section: wording.default('API keys').describe('Title of the section of keys.'),
    create: wording.default('Create API key').describe('Label of the button that creates a key.'),
    revoke: z.enum(['button', 'trash']).default('button').describe('How revoking a key is offered in the list.'),
    variable: z
      .string()
      .regex(/^[A-Za-z_][A-Za-z0-9_]{0,63}$/, 'must be the name of an environment variable')
      .optional()
      .describe(
        "Environment variable that the console's example of a `.env` file sets; the product's name with `_API_KEY`, if not given.",
      ),
    header: z
      .string()
      .regex(/^[A-Za-z0-9-]{1,64}(?:: [A-Za-z0-9-]{1,32})?$/, "must be a header's name, or name and scheme")
      .default('Authorization: Bearer')
      .describe(
        'Header that carries a key to the product: its name, with the scheme before the key, if any, such as `Authorization: Bearer` or `x-api-key`.',
      ),
    base_url: z
      .string()
      .max(MAX_ADDRESS)
      .regex(BASE_URL, 'must be an address such as https://api.example.com')
      .refine(isSecure, SECURE)
      .optional()
      .describe("Address of the product's API, for examples of requests; no such example, if not given."),
    show_again: z
      .boolean()
      .default(true)
      .describe('Whether the console shows a new secret again for ten minutes, in the tab that created it.'),
    frame_ancestors: z
      .array(origin)
      .max(20)
      .default([])
      .describe("Origins whose pages may show the console in a frame; they must share the console's site."),
    element_origins: z
      .array(origin)
      .max(20)
      .default([])
      .describe(
        'Origins whose pages may hold `<latchkey-keys>` and call the API for it, with tokens and never with a cookie.',
      ),
  })
  .prefault({})
  .describe('The console, where people manage their keys in a browser.');

export type ConsoleRules = z.output<typeof ConsoleRules>;

/** Returns the configured environment variable, or one made of the product's name. */
export function variableOf(product: string, { variable }: Pick<ConsoleRules, 'variable'>): string {
  const name = product
    .toUpperCase()
    .replaceAll(/[^A-Z0-9]+/g, '_')
    .replaceAll(/^[_0-9]+|_+$/g, '');
  return variable ?? (name === '' ? 'API_KEY' : `${name}_API_KEY`);
}

function isSecure(address: string): boolean {
  const url = URL.parse(address);
  return url?.protocol === 'https:' || (url?.protocol === 'http:' && LOOPBACK.includes(url.hostname));
}
