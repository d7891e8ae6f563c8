import { CATEGORIES, CATEGORY_NAMES, KEPT } from './category.ts';
import type { Category, Judged } from './category.ts';
import type { OverQuota } from './plan-import.ts';

type Write = (text: string) => void;
type Counted = { rows: number; lines: number[]; sample: Pick<Judged, 'line' | 'sourceId' | 'reason'> | undefined };

export type ImportReport = ReturnType<typeof makeImportReport>;

const SHOWN_LINES = 10;
const SHOWN_ORGANIZATIONS = 10;
// Texts of the other system: control characters could move a terminal's cursor.
const CONTROL = /\p{C}/gu;

/**
 * Counts rows by category, with the first lines of each and one sample.
 * @param onRefused is given each row that becomes no key, as one line of text
 */
export function makeImportReport(onRefused: Write) {
  const found = new Map<Category, Counted>();

  return {
    add(rows: readonly Judged[]): void {
      for (const row of rows) {
        const counted = found.get(row.category) ?? { rows: 0, lines: [], sample: undefined };
        counted.rows += 1;
        if (counted.lines.length < SHOWN_LINES) counted.lines.push(row.line);
        counted.sample ??= { line: row.line, sourceId: row.sourceId, reason: row.reason };
        found.set(row.category, counted);
        if (!KEPT.has(row.category)) onRefused(lineOf(row));
      }
    },

    /** Whether every row becomes a key, was imported before, or ended one. */
    isClean: (): boolean => [...found.keys()].every((category) => KEPT.has(category) || category === 'ended'),

    text: (overQuota: readonly OverQuota[]): string =>
      [...CATEGORY_NAMES.flatMap((category) => linesOf(category, found.get(category))), ...quotaLines(overQuota)].join(
        '\n',
      ),

    json: (overQuota: readonly OverQuota[]): string =>
      JSON.stringify({
        rows: Object.fromEntries(CATEGORY_NAMES.map((category) => [category, found.get(category)?.rows ?? 0])),
        first_lines: Object.fromEntries([...found].map(([category, { lines }]) => [category, lines])),
        samples: Object.fromEntries(
          [...found].map(([category, { sample }]) => [
            category,
            { line: sample!.line, id: sample!.sourceId ?? null, reason: sample!.reason ?? null },
          ]),
        ),
        over_quota: overQuota.map(({ organizationId, keys, limit }) => ({
          organization_id: organizationId,
          keys,
          limit,
        })),
      }),
  };
}

function lineOf({ line, category, sourceId = '', reason = '' }: Judged): string {
  return `${[line, category, sourceId, reason].map((cell) => String(cell).replaceAll(CONTROL, '?')).join('\t')}\n`;
}

function linesOf(category: Category, counted: Counted | undefined): string[] {
  if (!counted) return [];
  const { rows, lines, sample } = counted;
  const heading = `${category.padEnd(21)} ${String(rows).padStart(9)}  ${CATEGORIES[category]}`;
  if (KEPT.has(category)) return [heading];
  const more = rows > lines.length ? ', …' : '';
  const shown = `${sample!.sourceId ?? 'a row'}: ${sample!.reason ?? ''}`.replaceAll(CONTROL, '?');
  return [heading, `  lines ${lines.join(', ')}${more}; line ${sample!.line}: ${shown}`];
}

function quotaLines(overQuota: readonly OverQuota[]): string[] {
  if (overQuota.length === 0) return [];
  const total = `${'over_quota'.padEnd(21)} ${String(overQuota.length).padStart(9)}  organizations get more keys than their plan has`;
  const more = overQuota.length > SHOWN_ORGANIZATIONS ? ['  …'] : [];
  return [
    total,
    ...overQuota
      .slice(0, SHOWN_ORGANIZATIONS)
      .map(
        ({ organizationId, keys, limit }) =>
          `  ${organizationId}: ${keys} of ${limit}; it creates none until it has fewer`,
      ),
    ...more,
  ];
}
