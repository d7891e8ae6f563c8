/** The most rows that one statement reads. */
const WINDOW = 1_000;

type List<Row> = {
  /** Finds the row that is `count` rows after `from` in the unfiltered list; undefined if the list ends before it. */
  rowBehind(from: string | undefined, count: number): Promise<string | undefined>;
  /** Reads the filtered rows after `from`, up to and including `to`, or to the end of the list. */
  read(from: string | undefined, to: string | undefined, limit: number): Promise<Row[]>;
};

/**
 * Reads the first `wanted` rows of a filtered list after `from`. No statement reads more than a window of rows, however few
 * the filter leaves.
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
