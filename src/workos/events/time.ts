import { z } from 'zod';

/**
 * Matches `2026-01-01T00:00:00.000Z`, the form of WorkOS's specification, and `2026-01-01 00:00:00.000`, the form of its
 * samples and fixtures. A time without an offset is UTC.
 */
const TIME =
  /^(\d{4})-(\d{2})-(\d{2})[T ](\d{2}):(\d{2})(?::(\d{2})(?:[.,](\d{1,9}))?)?(?: ?(Z|UTC|[+-]\d{2}(?::?\d{2})?))?$/i;

/** Parses a time of WorkOS. @returns undefined when it is none */
export function readTime(text: string): Date | undefined {
  const [, year, month, day, hour, minute, second = '00', fraction = '', zone = 'Z'] = TIME.exec(text) ?? [];
  if (year === undefined) return undefined;
  const local = `${year}-${month}-${day}T${hour}:${minute}:${second}`;
  const at = new Date(`${local}.${fraction.slice(0, 3).padEnd(3, '0')}Z`);
  // A 30th of February would become a day in March.
  if (Number.isNaN(at.getTime()) || !at.toISOString().startsWith(local)) return undefined;
  return new Date(at.getTime() - offsetMinutes(zone) * 60_000);
}

export const workosTime = z
  .string()
  .max(64)
  .transform((text, context) => {
    const time = readTime(text);
    if (time) return time;
    context.issues.push({ code: 'custom', message: 'not a time', input: text });
    return z.NEVER;
  });

function offsetMinutes(zone: string): number {
  const [, sign, hours, minutes = '0'] = /^([+-])(\d{2}):?(\d{2})?$/.exec(zone) ?? [];
  return sign === undefined ? 0 : (sign === '-' ? -1 : 1) * (Number(hours) * 60 + Number(minutes));
}
