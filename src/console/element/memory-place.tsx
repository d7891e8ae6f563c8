import type { ComponentChildren } from 'preact';
import { useState } from 'preact/hooks';
import { QueryContext, WaysContext, changeQuery } from '../data/location.ts';
import type { Query, Ways } from '../data/location.ts';

/** The place of a part of another page, whose address is not ours: kept in memory. */
export function MemoryPlace({ children }: { children: ComponentChildren }) {
  const [query, setQuery] = useState<Query>({});
  const [ways] = useState<Ways>(() => ({
    set: (change) => setQuery((now) => changeQuery(now, change)),
    keyUrl: undefined,
  }));
  return (
    <WaysContext.Provider value={ways}>
      <QueryContext.Provider value={query}>{children}</QueryContext.Provider>
    </WaysContext.Provider>
  );
}
