import type { Items } from '../../src/background/items.ts';

/** Items without a database: none is set aside, and a failure fails the test. */
export const plainItems: Items = {
  async each(items, { work, parallel }) {
    if (parallel) await Promise.all(items.map(work));
    else for (const item of items) await work(item);
  },
  due: () => Promise.resolve([]),
  bury: (_item, failure) => Promise.reject(new Error(failure)),
  forget: () => Promise.resolve(),
  deadLetters: {
    list: () => Promise.resolve([]),
    retry: () => Promise.resolve(false),
    count: () => Promise.resolve(0),
  },
};
