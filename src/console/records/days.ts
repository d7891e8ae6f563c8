import type { Query } from '../data/location.ts';

/** The times of the address; dates are whole local days. */
export function daysIn(query: Query): { from: string | undefined; to: string | undefined } {
  return { from: timeOf(query['from'], '00:00:00.000'), to: timeOf(query['to'], '23:59:59.999') };
}

function timeOf(date: string | undefined, time: string): string | undefined {
  const at = new Date(`${date}T${time}`);
  return Number.isNaN(at.getTime()) ? undefined : at.toISOString();
}
