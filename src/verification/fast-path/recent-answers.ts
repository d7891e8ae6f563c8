import type { MirrorRecord } from '../mirror-record.ts';

/** An answer takes as much memory as its key, so that answers of few keys are kept. */
const MAX_ANSWERS = 10_000;
const KEPT_MS = 60_000;

/**
 * Keeps what was made of the first records after each minute, which are mostly those in much use. A record is replaced
 * whenever its key changes. No answer makes room for another: what V8 has moved to its old space is dear to collect.
 */
export function makeRecentAnswers<Answer extends {}>(
  make: (record: MirrorRecord) => Answer,
  { max = MAX_ANSWERS, nowMs = () => performance.now() } = {},
): (record: MirrorRecord) => Answer {
  const answers = new Map<MirrorRecord, Answer>();
  let sinceMs = nowMs();
  return (record) => {
    const known = answers.get(record);
    if (known !== undefined) return known;
    const made = make(record);
    if (answers.size >= max && nowMs() - sinceMs >= KEPT_MS) {
      answers.clear();
      sinceMs = nowMs();
    }
    if (answers.size < max) answers.set(record, made);
    return made;
  };
}
