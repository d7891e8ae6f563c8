/** The most rows that one statement reads. */
const WINDOW = 1_000;
/** The most windows that a count looks through. */
const COUNTED_WINDOWS = 20;

type Windows = {
  /** Finds the row that is `count` rows after `from` in the unfiltered list; undefined if the list ends before it. */
  rowBehind(from: string | undefined, count: number): Promise<string | undefined>;
};
type List<Row> = Windows & {
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

type Counted = Windows & {
  /** Counts the filtered rows after `from`, up to and including `to`, or to the end of the list. */
  count(from: string | undefined, to: string | undefined): Promise<number>;
};

/** Counts a filtered list of at most 20,000 rows, a window with each statement; undefined for a longer list. */
export async function countInWindows({ rowBehind, count }: Counted): Promise<number | undefined> {
  let total = 0;
  let start: string | undefined;
  for (let window = 0; window < COUNTED_WINDOWS; window++) {
    const end = await rowBehind(start, WINDOW);
    total += await count(start, end);
    if (end === undefined) return total;
    start = end;
  }
  return (await rowBehind(start, 1)) === undefined ? total : undefined;
}
