import { createContext } from 'preact';
import { useContext } from 'preact/hooks';

export type Query = Readonly<Record<string, string | undefined>>;

/** The ways on from where the reader is. They stay the same objects, so that what only goes on is not drawn again. */
export type Ways = {
  /** Changes some of the query. */
  set: (change: Query, how?: { push?: boolean }) => void;
  /** The address of a key's own screen; undefined where there is none. */
  keyUrl: ((id: string) => string) | undefined;
};

/** Where the reader is: in the browser's address, or, in a part of another page, in memory. */
export const QueryContext = createContext<Query>({});
export const WaysContext = createContext<Ways>({ set: () => undefined, keyUrl: undefined });
export const useWays = (): Ways => useContext(WaysContext);

/** The query of the place, and the function that changes some of it. */
export function useQueryString() {
  return { query: useContext(QueryContext), set: useWays().set };
}

/** Returns a query with a change; empty values are left out. */
export function changeQuery(query: Query, change: Query): Query {
  return Object.fromEntries(
    Object.entries({ ...query, ...change }).filter(([, value]) => value !== undefined && value !== ''),
  );
}
