import autocannon from 'autocannon';

export type Target = {
  url: string;
  method: 'GET' | 'POST';
  path: string;
  /** One is used after the other. */
  headers: readonly Readonly<Record<string, string>>[];
  body?: object;
  connections: number;
};

export type Sample = { requestsPerSecond: number; p50: number; p99: number };

/** Loads a target for some seconds. Throws when anything but a success was answered: a fast refusal is no result. */
export async function load(
  { url, method, path, headers, body, connections }: Target,
  seconds: number,
): Promise<Sample> {
  const times: number[] = [];
  const result = await new Promise<autocannon.Result>((resolve, reject) => {
    const instance = autocannon(
      {
        url,
        connections,
        duration: seconds,
        requests: headers.map((each) => ({
          method,
          path,
          headers: { ...each, ...(body && { 'content-type': 'application/json' }) },
          ...(body && { body: JSON.stringify(body) }),
        })),
      },
      (error, done) => (error ? reject(error) : resolve(done)),
    );
    instance.on('response', (_client, _status, _bytes, milliseconds) => times.push(milliseconds));
  });
  const failed = result.non2xx + result.errors + result.timeouts;
  if (failed > 0 || times.length === 0) {
    throw new Error(`${method} ${path}: ${failed} of ${times.length} answers were no success`);
  }
  return { requestsPerSecond: times.length / result.duration, p50: percentile(times, 50), p99: percentile(times, 99) };
}

export function percentile(values: readonly number[], p: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor((sorted.length * p) / 100))] ?? Number.NaN;
}

export function median(values: readonly number[]): number {
  return percentile(values, 50);
}
