const MAX_ENTRIES = 1_000;

/** `status` is 0 until an answer is sent. */
export type JournalEntry = { method: string; path: string; status: number };

export type Journal = {
  open(method: string, path: string): JournalEntry;
  entries: () => readonly JournalEntry[];
};

/** Keeps the last thousand requests, oldest first, without query and body, which may hold secrets. */
export function createJournal(): Journal {
  let entries: JournalEntry[] = [];
  return {
    open(method, path) {
      const entry = { method, path, status: 0 };
      entries.push(entry);
      if (entries.length > 2 * MAX_ENTRIES) entries = entries.slice(-MAX_ENTRIES);
      return entry;
    },
    entries: () => entries.slice(-MAX_ENTRIES),
  };
}
