import { makeBoundedCache } from '../bounded-cache.ts';

const MAX_LENGTH = 64;
/** Only this much is read; browsers send half as much. */
const MAX_READ = 512;
const MAX_REMEMBERED = 1_000;

// In this order: Edge says that it is Chrome, and Chrome that it is Safari.
const BROWSERS: readonly (readonly [family: string, mark: RegExp])[] = [
  ['Edge', /\b(?:Edg|Edge|EdgA|EdgiOS)\//],
  ['Opera', /\b(?:OPR|Opera|OPiOS)\//],
  ['Firefox', /\b(?:Firefox|FxiOS)\//],
  ['Chrome', /\b(?:Chrome|HeadlessChrome|Chromium|CriOS)\//],
  ['Safari', /\bVersion\/\S+.* Safari\//],
];
const COMPATIBLE = /\(compatible; ([^;/)]+)/;
const CONTROL = /\p{C}+/gu;

export type AgentFamily = (userAgent: string | undefined) => string | undefined;

/**
 * Returns the kind of client that a user agent names: the product before its first `/`, such as `curl` or
 * `python-requests`, or the browser or robot behind `Mozilla`. At most 64 characters.
 */
export function makeAgentFamily(): AgentFamily {
  const remembered = makeBoundedCache<string>({ max: MAX_REMEMBERED });
  return (userAgent) => {
    if (userAgent === undefined) return undefined;
    const read = userAgent.slice(0, MAX_READ);
    const family = remembered.get(read) ?? familyOf(read);
    remembered.set(read, family);
    return family || undefined;
  };
}

function familyOf(userAgent: string): string {
  const product = productOf(userAgent);
  if (product !== 'Mozilla') return product;
  const browser = BROWSERS.find(([, mark]) => mark.test(userAgent))?.[0];
  return browser ?? productOf(COMPATIBLE.exec(userAgent)?.[1] ?? product);
}

function productOf(text: string): string {
  const [first = ''] = text
    .replaceAll(CONTROL, ' ')
    .trim()
    .split(/[/\s(;,]/, 1);
  return first.slice(0, MAX_LENGTH).toWellFormed();
}
