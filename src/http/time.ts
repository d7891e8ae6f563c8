import { z } from 'zod';

/**
 * A moment of a client, in ISO 8601 with any offset. It is bounded in UTC, where an offset can push it out of the years
 * that four digits can say, which neither WorkOS nor our own answers could write.
 */
export function time(error: string) {
  return z.iso.datetime({ offset: true, error }).refine((value) => {
    const year = new Date(value).getUTCFullYear();
    return Number.isNaN(year) || (year >= 1 && year <= 9_999);
  }, 'This must be within the years 1 to 9999, in UTC.');
}
