// oxlint-disable typescript/no-unnecessary-type-parameters -- the caller knows what it wrote.
/** Parses a column that this program wrote; foreign data is parsed by schemas. */
export function readJson<Value>(column: string): Value {
  const value: Value = JSON.parse(column);
  return value;
}
