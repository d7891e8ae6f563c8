import type { IncomingHttpHeaders } from 'node:http';

export type Request = {
  params: Readonly<Record<string, string>>;
  query: URLSearchParams;
  /** Parsed JSON or form fields; `undefined` when the request had no body. */
  body: unknown;
  headers: IncomingHttpHeaders;
};

export type Reply = {
  status: number;
  /** An object is sent as JSON, a text or bytes as they are (with their own content type in `headers`). */
  body?: object | string | Buffer;
  headers?: Readonly<Record<string, string>>;
};

export type Route = {
  method: 'get' | 'post' | 'put' | 'patch' | 'delete';
  path: string;
  /** `environment`: the caller shows the environment's secret. A customer's API key never passes. */
  access: 'environment' | 'public';
  /** `false` for a POST that must be judged anew each time, whatever Idempotency-Key it carries. */
  replay?: boolean;
  handle(request: Request): Reply | Promise<Reply>;
};
