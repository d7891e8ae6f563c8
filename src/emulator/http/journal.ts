const MAX_ENTRIES = 1_000;

/** `status` is 0 until an answer was sent, and stays 0 where none ever is. */
export type JournalEntry = { method: string; path: string; status: number };

export type Journal = {
  open(method: string, path: string): JournalEntry;
  entries: () => readonly JournalEntry[];
};

/** The last thousand requests, oldest first, without query or body: those may hold secrets. */
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
