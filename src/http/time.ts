import { z } from 'zod';

/**
 * A client's time in ISO 8601 with any offset. The bounds are in UTC: an offset can push a time out of the years of four
 * digits, which neither WorkOS nor our answers can write.
 */
export function time(error: string) {
  return z.iso.datetime({ offset: true, error }).refine((value) => {
    const year = new Date(value).getUTCFullYear();
    return Number.isNaN(year) || (year >= 1 && year <= 9_999);
  }, 'This must be within the years 1 to 9999, in UTC.');
}
