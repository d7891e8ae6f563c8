/** What is used of an answer; a `Response` has it. */
export type Answer = {
  readonly ok: boolean;
  readonly status: number;
  readonly headers: { get: (name: string) => string | null };
  /** The body in pieces, as they come. */
  readonly body: unknown;
  text: () => Promise<string>;
};

/** What is used of `fetch`, with a text as the body. The global one is one. */
export type Fetch = (url: string, init: FetchInit) => Promise<Answer>;
export type FetchInit = {
  method?: string;
  headers?: Record<string, string>;
  body?: string;
  redirect: 'error';
  credentials?: 'same-origin';
  signal: AbortSignal;
};
