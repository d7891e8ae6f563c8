/** Rows of a list that one statement looks at, at most. */
const WINDOW = 1_000;

type List<Row> = {
  /** Finds the row that is `places` behind `from` in the unfiltered list; undefined when the list ends before it. */
  rowBehind(from: string | undefined, places: number): Promise<string | undefined>;
  /** Reads what the filter leaves behind `from`, up to and with `to`, or to the end of the list. */
  read(from: string | undefined, to: string | undefined, limit: number): Promise<Row[]>;
};

/**
 * Reads the first `wanted` rows behind `from` that a filter leaves of a list. However few it leaves, no statement looks at more
 * than a window of rows.
 */
export async function readInWindows<Row>(
  { rowBehind, read }: List<Row>,
  from: string | undefined,
  wanted: number,
): Promise<Row[]> {
  const rows: Row[] = [];
  for (let start = from; ;) {
    const end = await rowBehind(start, WINDOW);
    rows.push(...(await read(start, end, wanted - rows.length)));
    if (rows.length >= wanted || end === undefined) return rows;
    start = end;
  }
}
