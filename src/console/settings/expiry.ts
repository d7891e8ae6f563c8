import type { Organization, Product } from '../../client/client.ts';
import type { Format } from '../words/format.ts';
import type { Words } from '../words/words.ts';

const PRESETS = [7, 30, 90, 180, 365];
const DAY_MS = 86_400_000;
export const NEVER = 'never';
export const ON_DATE = 'date';

/** An expiry as a form holds it: days, `never`, or a date of its own. */
export type ExpiryChoice = { choice: string; date: string };
type Facts = { product: Pick<Product, 'expiry'>; organization: Pick<Organization, 'limits'> };

/** The longest lifetime that product and plan allow, in days; undefined without a bound. */
export function longestDays({ product, organization }: Facts): number | undefined {
  const bounds = [product.expiry.max_days, organization.limits.max_expiry_days].filter((days) => days !== null);
  return bounds.length === 0 ? undefined : Math.min(...bounds);
}

/** The lifetime that the server gives a key for which nothing is said. */
export function usualExpiry(facts: Facts): ExpiryChoice {
  const most = longestDays(facts);
  const usual = facts.product.expiry.default_days ?? most;
  return { choice: usual === undefined ? NEVER : String(Math.min(usual, most ?? usual)), date: '' };
}

export function expiryOptions(facts: Facts, w: Words, f: Format): { value: string; text: string }[] {
  const most = longestDays(facts);
  const usual = Number(usualExpiry(facts).choice);
  const days = [...new Set([...PRESETS, ...(Number.isNaN(usual) ? [] : [usual])])]
    .filter((each) => most === undefined || each <= most)
    .toSorted((a, b) => a - b);
  const now = Date.now();
  return [
    ...days.map((each) => ({
      value: String(each),
      text: `${f.duration(each * 86_400)} · ${f.date(now + each * DAY_MS)}`,
    })),
    { value: ON_DATE, text: w.onADate },
    ...(most === undefined ? [{ value: NEVER, text: w.never }] : []),
  ];
}

/** What the API takes: a lifetime, or the last moment of a local day. */
export function readExpiry({ choice, date }: ExpiryChoice): { expires_in: string } | { expires_at: string } {
  if (choice === NEVER) return { expires_in: NEVER };
  if (choice !== ON_DATE) return { expires_in: `${choice}d` };
  const end = new Date(`${date}T23:59:59`);
  return { expires_at: Number.isNaN(end.getTime()) ? '' : end.toISOString() };
}

const pad = (value: number) => String(value).padStart(2, '0');

/** A time as the date of its local day, for an input. */
export function localDate(time: number): string {
  const at = new Date(time);
  return `${at.getFullYear()}-${pad(at.getMonth() + 1)}-${pad(at.getDate())}`;
}
