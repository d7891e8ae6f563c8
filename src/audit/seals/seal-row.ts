import type { Break, BreakKind } from '../break.ts';
import type { ReadSeal } from './seal.ts';

/** Checks the seals of all files together: numbered without gaps, each naming the one before. */
export function makeSealRow(onBreak: (found: Break) => void) {
  const previousOf = new Map<number, Set<string>>();
  const macsOf = new Map<number, Set<string>>();
  let newest: Date | undefined;
  let highest = 0;
  let closed = false;

  function report(kind: BreakKind, sequence: number, until = sequence): void {
    onBreak({ kind, organizationId: undefined, sequence, until, id: undefined });
  }

  function checkPlaces(): void {
    for (let number = 1; number <= highest; number++) {
      if (!macsOf.has(number)) {
        const first = number;
        while (!macsOf.has(number + 1)) number++;
        report('seals_missing', first, number);
        continue;
      }
      const before = previousOf.get(number)!;
      if (before.size > 1) report('seals_forked', number - 1);
      const known = macsOf.get(number - 1);
      if (known && ![...before].every((mac) => known.has(mac))) report('seals_missing', number - 1);
    }
  }

  return {
    forged: (number: number) => report('seals_forged', number),

    add({ number, mac, previous, at, closed: isClosed }: ReadSeal): void {
      macsOf.set(number, (macsOf.get(number) ?? new Set()).add(mac));
      previousOf.set(number, (previousOf.get(number) ?? new Set()).add(previous));
      if (newest === undefined || at > newest) newest = at;
      highest = Math.max(highest, number);
      closed ||= isClosed;
    },

    /** @param counted how many seals the database knows of */
    end(counted: number): { count: number; newest: Date | undefined; closed: boolean } {
      checkPlaces();
      if (counted > highest) report('seals_behind', highest + 1, counted);
      return { count: highest, newest, closed };
    },
  };
}
