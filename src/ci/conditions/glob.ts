const STAR = '*';
/** A star covers neither a separator of paths and claims nor a control character, such as a line break. */
const STOPS = /[/:\p{Cc}]/u;

/**
 * Whether a text matches a glob whose `*` covers any characters up to the next `/` or `:`; all else stands for itself. Takes at most
 * (text × glob) steps.
 */
export function matchesGlob(glob: string, text: string): boolean {
  let [at, from] = [0, 0];
  let star = -1;
  let covered = 0;
  while (from < text.length) {
    if (glob[at] === STAR) {
      star = at++;
      covered = from;
    } else if (at < glob.length && glob[at] === text[from]) {
      at++;
      from++;
    } else if (star !== -1 && !STOPS.test(text[covered]!)) {
      // Only the last star needs to cover more: what stands before it cannot match further on without crossing a stop.
      from = ++covered;
      at = star + 1;
    } else return false;
  }
  while (glob[at] === STAR) at++;
  return at === glob.length;
}
