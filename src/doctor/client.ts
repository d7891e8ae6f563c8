import { setTimeout as wait } from 'node:timers/promises';

const MAX_BYTES = 1_048_576;
const MAX_TRIES = 12;
const MAX_WAIT_MS = 30_000;
const TOO_MANY = 429;

export type Answer = { status: number; body: unknown; headers: Headers };
export type CallOptions = {
  body?: object;
  form?: Readonly<Record<string, string>>;
  query?: Readonly<Record<string, string>>;
  headers?: Readonly<Record<string, string>>;
  /** Instead of the API's own address. */
  base?: string;
  /** Returns a 429 instead of waiting and retrying. */
  returns429?: boolean;
};
export type Call = (method: string, path: string, options?: CallOptions) => Promise<Answer>;

type Options = {
  url: string;
  apiKey: string;
  timeoutMs: number;
  /** How long to wait after a 429 without `Retry-After`. */
  holdOffMs: number;
  signal: AbortSignal;
  onLimited: () => void;
};

/** Creates a plain HTTP client, so that the doctor sees what WorkOS sends. It retries only after a 429. */
export function makeCall({ url, apiKey, timeoutMs, holdOffMs, signal, onLimited }: Options): Call {
  async function once(method: string, path: string, options: CallOptions): Promise<Answer> {
    const target = new URL(`${options.base ?? url}${path}`);
    for (const [name, value] of Object.entries(options.query ?? {})) target.searchParams.set(name, value);
    const response = await fetch(target, {
      method,
      redirect: 'manual',
      signal: AbortSignal.any([signal, AbortSignal.timeout(timeoutMs)]),
      headers: {
        ...(!options.form && { authorization: `Bearer ${apiKey}` }),
        ...(options.body && { 'content-type': 'application/json' }),
        ...options.headers,
      },
      ...(options.body && { body: JSON.stringify(options.body) }),
      ...(options.form && { body: new URLSearchParams(options.form) }),
    });
    return { status: response.status, body: readJson(await readText(response)), headers: response.headers };
  }

  return async (method, path, options = {}) => {
    for (let count = 1; ; count += 1) {
      const answer = await once(method, path, options);
      if (answer.status !== TOO_MANY || options.returns429 === true || count === MAX_TRIES) return answer;
      onLimited();
      await wait(waitOf(answer.headers.get('retry-after'), holdOffMs), undefined, { signal });
    }
  };
}

function waitOf(header: string | null, otherwise: number): number {
  const seconds = header === null ? Number.NaN : Number(header);
  return Number.isFinite(seconds) && seconds >= 0 ? Math.min(seconds * 1_000, MAX_WAIT_MS) : otherwise;
}

async function readText(response: Response): Promise<string> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of response.body ?? []) {
    size += chunk.length;
    if (size > MAX_BYTES) throw new Error(`The answer has more than ${MAX_BYTES} bytes.`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString('utf8');
}

function readJson(text: string): unknown {
  try {
    return text === '' ? undefined : (JSON.parse(text) as unknown);
  } catch {
    return undefined;
  }
}
