import { lookup as systemLookup } from 'node:dns';
import type { LookupAddress } from 'node:dns';
import { request as requestHttp } from 'node:http';
import type { ClientRequest, IncomingMessage } from 'node:http';
import { request as requestHttps } from 'node:https';
import type { LookupFunction } from 'node:net';
import { isPublicAddress } from './public-address.ts';

type Resolve = (
  host: string,
  options: { all: true },
  then: (error: Error | null, addresses: LookupAddress[]) => void,
) => void;
type Options = {
  /** An origin that may be asked over plain http on loopback: the local WorkOS. */
  localOrigin?: string | undefined;
  resolve?: Resolve;
  isPublic?: (address: string) => boolean;
  timeoutMs?: number;
};

const TIMEOUT_MS = 5_000;
const MAX_BYTES = 256 * 1024;
// GitHub's API answers no request without a user agent.
const HEADERS = { accept: 'application/json', 'accept-encoding': 'identity', 'user-agent': 'latchkey' };

export type FetchJson = ReturnType<typeof makeFetchJson>;

/**
 * Fetches JSON from an issuer's address, which others may have chosen: https only, without following redirects, from public
 * addresses only. The connection goes to the very addresses that were judged. At most 256 KiB in 5 seconds.
 */
export function makeFetchJson({ localOrigin, timeoutMs = TIMEOUT_MS, ...options }: Options = {}) {
  const lookup = publicLookup(options);

  return async function fetchJson(address: string): Promise<unknown> {
    const url = new URL(address);
    const signal = AbortSignal.timeout(timeoutMs);
    const asked = { method: 'GET', headers: HEADERS, signal };
    if (localOrigin !== undefined && url.origin === localOrigin)
      return read(requestHttp(url, { ...asked, agent: false }));
    if (url.protocol !== 'https:' || url.username !== '' || url.password !== '' || url.port !== '')
      throw new Error('the address is not https without user and port');
    // Node resolves no name for an address, so it would not be judged.
    if (/^\[|^[\d.]+$/.test(url.hostname)) throw new Error('the address has no host name');
    // Without an agent there is one connection for each request, and its address is judged.
    return read(requestHttps(url, { ...asked, agent: false, lookup }));
  };
}

/** Resolves a name, and refuses it if any of its addresses is not public. */
function publicLookup({ resolve = systemLookup, isPublic = isPublicAddress }: Options): LookupFunction {
  return (host, { all }, then) => {
    resolve(host, { all: true }, (error, addresses) => {
      const [first] = addresses ?? [];
      if (error || !first) return then(error ?? new Error('the name has no address'), '', 4);
      if (!addresses.every(({ address }) => isPublic(address)))
        return then(new Error('the name leads to an address that is not public'), '', 4);
      return all ? then(null, addresses) : then(null, first.address, first.family);
    });
  };
}

async function read(request: ClientRequest): Promise<unknown> {
  try {
    const response = await new Promise<IncomingMessage>((resolve, reject) => {
      request.once('response', resolve).once('error', reject).end();
    });
    if (response.statusCode !== 200) throw new Error(`the answer has status ${response.statusCode}`);
    if (response.headers['content-encoding'] !== undefined) throw new Error('the answer is compressed');
    return JSON.parse(await textOf(response)) as unknown;
  } finally {
    request.destroy();
  }
}

async function textOf(response: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of response as AsyncIterable<Buffer>) {
    bytes += chunk.length;
    if (bytes > MAX_BYTES) throw new Error('the answer is too large');
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString('utf8');
}
