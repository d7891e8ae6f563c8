import { useLocation } from 'preact-iso';
import type { ComponentChildren } from 'preact';
import { useRef, useState } from 'preact/hooks';
import { QueryContext, WaysContext, changeQuery } from './location.ts';
import type { Ways } from './location.ts';

const keyUrl = (id: string) => `/console/keys/${encodeURIComponent(id)}`;

/** The place of a page of its own: the browser's address. */
export function PagePlace({ children }: { children: ComponentChildren }) {
  const here = useLocation();
  const latest = useRef(here);
  latest.current = here;
  const [ways] = useState<Ways>(() => ({
    set(change, how = {}) {
      const { path, route } = latest.current;
      const now = Object.fromEntries(new URLSearchParams(location.search));
      const text = new URLSearchParams(changeQuery(now, change) as Record<string, string>).toString();
      route(`${path}${text === '' ? '' : `?${text}`}`, !how.push);
    },
    keyUrl,
  }));
  return (
    <WaysContext.Provider value={ways}>
      <QueryContext.Provider value={here.query}>{children}</QueryContext.Provider>
    </WaysContext.Provider>
  );
}
