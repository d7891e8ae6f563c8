import type { IncomingHttpHeaders } from 'node:http';

export type Request = {
  params: Readonly<Record<string, string>>;
  query: URLSearchParams;
  /** Parsed JSON or form fields; `undefined` without a body. */
  body: unknown;
  headers: IncomingHttpHeaders;
};

export type Reply = {
  status: number;
  /** An object is sent as JSON; text and bytes are sent as they are, with their content type in `headers`. */
  body?: object | string | Buffer;
  headers?: Readonly<Record<string, string>>;
};

export type Route = {
  method: 'get' | 'post' | 'put' | 'patch' | 'delete';
  path: string;
  /** `environment` needs the environment's secret; a customer's API key is refused. */
  access: 'environment' | 'public';
  /** `false` for a POST that is never replayed, whatever its Idempotency-Key. */
  replay?: boolean;
  handle(request: Request): Reply | Promise<Reply>;
};
