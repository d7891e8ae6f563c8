import { toStderr } from '../context.ts';
import type { Context } from '../context.ts';

const EVERY_MS = 100;
/** To the beginning of the line, and erase it. */
const CLEAR = '\r\u001b[2K';

/** One line that says how far something is; nothing where no person sees it. */
export type Progress = {
  /** Shows a line in place of the one before, ten times a second at most. */
  show: (line: () => string) => void;
  /** Takes the line away, before other output and at the end. */
  clear: () => void;
};

export function makeProgress(context: Context): Progress {
  if (!context.showsProgress) return { show: () => undefined, clear: () => undefined };
  let shownAt = -Infinity;
  let isShown = false;
  return {
    show(line) {
      const now = performance.now();
      if (now - shownAt < EVERY_MS) return;
      [shownAt, isShown] = [now, true];
      toStderr(context, `${CLEAR}${line()}`);
    },
    clear() {
      if (isShown) toStderr(context, CLEAR);
      isShown = false;
    },
  };
}
