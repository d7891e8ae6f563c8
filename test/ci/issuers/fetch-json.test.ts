import type { LookupAddress } from 'node:dns';
import { createServer } from 'node:http';
import type { RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, describe, expect, test } from 'vitest';
import { makeFetchJson } from '../../../src/ci/issuers/fetch-json.ts';

let asked = 0;
let answer: RequestListener = (_req, res) => res.end('{}');
const server = createServer((req, res) => {
  asked += 1;
  answer(req, res);
});
await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
afterAll(() => {
  server.closeAllConnections();
  server.close();
});
const local = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
const fetchLocal = makeFetchJson({ localOrigin: local });

/** Resolves each name to the next of these answers. */
function resolving(...answers: string[][]) {
  const names: string[] = [];
  const resolve = (host: string, _options: object, then: (error: Error | null, all: LookupAddress[]) => void) => {
    names.push(host);
    const addresses = answers[Math.min(names.length, answers.length) - 1]!;
    then(
      null,
      addresses.map((address) => ({ address, family: address.includes(':') ? 6 : 4 })),
    );
  };
  return { resolve, names };
}

describe('an answer', () => {
  test('is read as JSON', async () => {
    answer = (_req, res) => res.end('{"issuer":"x"}');
    expect(await fetchLocal(`${local}/a`)).toEqual({ issuer: 'x' });
  });

  test.each<[string, RequestListener, RegExp]>([
    ['redirects', (_req, res) => res.writeHead(302, { location: `${local}/elsewhere` }).end(), /status 302/],
    ['is an error', (_req, res) => res.writeHead(500).end('{}'), /status 500/],
    ['has another good status', (_req, res) => res.writeHead(206).end('{}'), /status 206/],
    ['is compressed', (_req, res) => res.writeHead(200, { 'content-encoding': 'gzip' }).end('{}'), /compressed/],
    ['is no JSON', (_req, res) => res.end('<html>'), /JSON/],
    ['is larger than 256 KiB', (_req, res) => res.end(JSON.stringify({ filler: 'x'.repeat(300 * 1024) })), /too large/],
  ])('is refused that %s', async (_what, handler, reason) => {
    answer = handler;
    const before = asked;
    await expect(fetchLocal(`${local}/a`)).rejects.toThrow(reason);
    expect(asked).toBe(before + 1);
  });

  test('without an end is cut at 256 KiB', async () => {
    let sent = 0;
    answer = (_req, res) => {
      const chunk = Buffer.alloc(64 * 1024, 'x');
      const more = () => {
        while (!res.destroyed && sent < 64 * 1024 * 1024) {
          sent += chunk.length;
          if (!res.write(chunk)) return void res.once('drain', more);
        }
      };
      more();
    };
    await expect(fetchLocal(`${local}/a`)).rejects.toThrow(/too large/);
    expect(sent).toBeLessThan(64 * 1024 * 1024);
  });

  test.each<[string, RequestListener]>([
    ['never comes', () => undefined],
    ['never ends', (_req, res) => void res.write('{')],
  ])('is given up that %s', async (_what, handler) => {
    answer = handler;
    const impatient = makeFetchJson({ localOrigin: local, timeoutMs: 200 });
    await expect(impatient(`${local}/a`)).rejects.toThrow(/abort|timeout/i);
  });
});

describe('an address', () => {
  test.each([
    ['plain http', 'http://issuer.example/'],
    ['plain http on loopback that is not the local origin', 'http://127.0.0.1:1/'],
    ['a user', 'https://user@issuer.example/'],
    ['a password', 'https://:secret@issuer.example/'],
    ['a port', 'https://issuer.example:8443/'],
    ['another scheme', 'file:///etc/passwd'],
    ['an IPv4 address', 'https://127.0.0.1/'],
    ['an IPv4 address in decimal', 'https://2130706433/'],
    ['an IPv4 address in hexadecimal', 'https://0x7f000001/'],
    ['an IPv6 address', 'https://[::1]/'],
    ['a mapped address', 'https://[::ffff:127.0.0.1]/'],
  ])('with %s is refused before any name is resolved', async (_what, address) => {
    const { resolve, names } = resolving(['127.0.0.1']);
    await expect(makeFetchJson({ resolve, localOrigin: local })(address)).rejects.toThrow(/https|host name/);
    expect(names).toEqual([]);
  });

  test.each([
    ['loopback', ['127.0.0.1']],
    ['link-local', ['169.254.169.254']],
    ['a mapped address', ['::ffff:10.0.0.1']],
    ['a public and a private address', ['140.82.121.4', '10.0.0.1']],
  ])('whose name leads to %s is refused without a connection', async (_what, addresses) => {
    const { resolve } = resolving(addresses);
    await expect(makeFetchJson({ resolve })('https://issuer.example/')).rejects.toThrow(/not public/);
  });

  test('is connected to as it was judged: a name that changes meanwhile is not resolved again', async () => {
    const { resolve, names } = resolving(['127.0.0.253'], ['127.0.0.254']);
    const judged: string[] = [];
    const isPublic = (address: string) => judged.push(address) > 0;
    // Nothing listens there: the failure names the address of the connection.
    await expect(makeFetchJson({ resolve, isPublic })('https://issuer.example/')).rejects.toMatchObject({
      syscall: 'connect',
      address: '127.0.0.253',
    });
    expect([names, judged]).toEqual([['issuer.example'], ['127.0.0.253']]);
  });

  test('is judged again with each request', async () => {
    const { resolve } = resolving(['127.0.0.253'], ['10.0.0.1']);
    const fetchJson = makeFetchJson({ resolve, isPublic: (address) => address === '127.0.0.253' });
    await expect(fetchJson('https://issuer.example/')).rejects.toMatchObject({ address: '127.0.0.253' });
    await expect(fetchJson('https://issuer.example/')).rejects.toThrow(/not public/);
  });
});
