// oxlint-disable typescript/no-unnecessary-type-parameters -- the caller knows what it wrote.
/** Reads a column that this program wrote itself; for anything from outside there are schemas. */
export function readJson<Value>(column: string): Value {
  const value: Value = JSON.parse(column);
  return value;
}
