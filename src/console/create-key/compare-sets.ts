import type { PermissionSet } from '../../client/client.ts';

export type ComparedSet = { set: PermissionSet; smaller: PermissionSet | undefined; adds: string[] };

/** Permission sets from the smallest to the largest, each with the largest one that it includes and what it adds to it. */
export function compareSets(sets: readonly PermissionSet[]): ComparedSet[] {
  const sorted = sets.toSorted((a, b) => a.scopes.length - b.scopes.length);
  return sorted.map((set, i) => {
    const smaller = sorted.slice(0, i).findLast((other) => other.scopes.every((scope) => set.scopes.includes(scope)));
    return { set, smaller, adds: set.scopes.filter((scope) => !smaller?.scopes.includes(scope)) };
  });
}
