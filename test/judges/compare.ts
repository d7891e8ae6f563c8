import type { Answer } from './ask.ts';

export type Difference =
  | { kind: 'status'; here: number; there: number }
  | { kind: 'only here' | 'only there'; field: string; status: number }
  | { kind: 'type'; field: string; here: string; there: string };

/**
 * Returns the differences between two answers. `null` and a value of the same field do not differ. When only one of the
 * answers is an error, only the status is compared.
 */
export function compare(ours: Answer, theirs: Answer): Difference[] {
  const differences: Difference[] = [];
  if (ours.status !== theirs.status) differences.push({ kind: 'status', here: ours.status, there: theirs.status });
  if (ours.status >= 400 !== theirs.status >= 400) return differences;
  for (const field of new Set([...Object.keys(ours.shape), ...Object.keys(theirs.shape)])) {
    const [here, there] = [ours.shape[field], theirs.shape[field]];
    if (here === undefined && !isUnder(field, ours))
      differences.push({ kind: 'only there', field, status: theirs.status });
    else if (there === undefined && !isUnder(field, theirs))
      differences.push({ kind: 'only here', field, status: ours.status });
    else if (here !== undefined && there !== undefined && here !== there && here !== 'null' && there !== 'null')
      differences.push({ kind: 'type', field, here, there });
  }
  return differences;
}

/** Fields below a missing field, null or an empty list are no differences of their own. */
function isUnder(path: string, { shape }: Answer): boolean {
  const parent = path.endsWith('[]') ? path.slice(0, -2) : path.replace(/(?:\.[^.[]+|\[\])$/, '');
  if (parent === path) return false;
  if (shape[parent] === undefined || shape[parent] === 'null') return true;
  return path.includes('[]') && shape[`${path.slice(0, path.indexOf('[]'))}[]`] === undefined;
}

export function describe(difference: Difference): string {
  if (difference.kind === 'status') return `${difference.here} here, ${difference.there} there`;
  if (difference.kind === 'type')
    return `\`${difference.field}\` is ${difference.here} here, ${difference.there} there`;
  return `\`${difference.field}\` ${difference.kind}`;
}
