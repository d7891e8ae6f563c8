/** A row of the other system with the line that it is from, counted from 1; `fault`: why there is no value. */
export type SourceRow = { line: number; value: Readonly<Record<string, unknown>> } | { line: number; fault: string };
