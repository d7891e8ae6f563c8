/** What a supervisor and its processes tell each other. A scrape that arrived at one process is answered for all. */
export type Message =
  | { about: 'serving' }
  | { about: 'stop' }
  | { about: 'scrape'; id: number }
  | { about: 'scraped'; id: number; text: string | undefined }
  | { about: 'collect'; id: number }
  | { about: 'collected'; id: number; metrics: object[] | undefined };

type Answer = Extract<Message, { about: 'scraped' | 'collected' }>;

/** Longer than a busy process takes for its metrics, and shorter than a scraper waits. */
const ANSWER_MS = 5_000;

/** Sends numbered questions, and gives each its answer. */
export function makeQuestions<A extends Answer>() {
  const waiting = new Map<number, (answer: A | undefined) => void>();
  let last = 0;
  return {
    /** @returns undefined without an answer in time */
    ask(send: (id: number) => void): Promise<A | undefined> {
      const id = ++last;
      return new Promise((resolve) => {
        const late = setTimeout(() => settle(id, undefined), ANSWER_MS).unref();
        waiting.set(id, (answer) => {
          clearTimeout(late);
          resolve(answer);
        });
        send(id);
      });
    },
    answer: (answer: A) => settle(answer.id, answer),
  };

  function settle(id: number, answer: A | undefined): void {
    const resolve = waiting.get(id);
    waiting.delete(id);
    resolve?.(answer);
  }
}
