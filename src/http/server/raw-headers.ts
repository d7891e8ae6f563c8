/**
 * Whether a header was sent more than once. Of `authorization` and `host` Node keeps the first and drops the others, which
 * may be another client's.
 * @param name in lower case
 */
export function isThereTwice(rawHeaders: readonly string[], name: string): boolean {
  let times = 0;
  for (let i = 0; i < rawHeaders.length; i += 2) {
    const each = rawHeaders[i]!;
    if (each.length === name.length && each.toLowerCase() === name) times++;
  }
  return times > 1;
}
