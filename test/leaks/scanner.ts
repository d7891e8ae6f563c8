import { createPublicKey, generateKeyPairSync, sign } from 'node:crypto';
import type { KeyObject } from 'node:crypto';
import { createServer } from 'node:http';
import type { RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll } from 'vitest';
import { call } from '../support/api.ts';
import type { Answer } from '../support/api.ts';

/** What GitHub published: a report, its signature, and the key. Source: github/docs#18776 and its documentation. */
export const PUBLISHED = {
  keyId: 'bcb53661c06b4728e59d897fb6165d5c9cda0fd9cdf9d09ead458168deb7518c',
  key: `-----BEGIN PUBLIC KEY-----
MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEYAGMWO8XgCamYKMJS6jc/qgvSlAd
AjPuDPRcXU22YxgBrz+zoN19MzuRyW87qEt9/AmtoNP5GrobzUvQSyJFVw==
-----END PUBLIC KEY-----
`,
  body: '[{"source":"commit","token":"some_token","type":"some_type","url":"https://example.com/base-repo-url/"}]',
  signature: 'MEQCIQDaMKqrGnE27S0kgMrEK0eYBmyG0LeZismAEz/BgZyt7AIfXt9fErtRS4XaeSt/AO1RtBY66YcAdjxji410VQV4xg==',
} as const;

export type SigningKey = { id: string; privateKey: KeyObject; listed: object };

/** A key of the scheme: ECDSA on P-256, listed as GitHub lists its own. */
export function makeSigningKey(id: string, namedCurve = 'P-256'): SigningKey {
  const { privateKey } = generateKeyPairSync('ec', { namedCurve });
  const key = createPublicKey(privateKey).export({ type: 'spki', format: 'pem' });
  return { id, privateKey, listed: { key_identifier: id, key, is_current: true } };
}

/** A server that publishes public keys, as GitHub's API does. Closed after the test file. */
export async function startKeyList(...keys: readonly SigningKey[]) {
  const list = {
    asked: 0,
    keys: keys.map(({ listed }) => listed),
    /** Answers instead of the list. */
    answer: undefined as RequestListener | undefined,
    url: '',
  };
  const server = createServer((req, res) => {
    list.asked += 1;
    if (list.answer) return list.answer(req, res);
    // GitHub refuses a request without it.
    if (!req.headers['user-agent']) return res.writeHead(403).end();
    return res.setHeader('content-type', 'application/json').end(JSON.stringify({ public_keys: list.keys }));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  afterAll(() => {
    server.closeAllConnections();
    server.close();
  });
  list.url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/meta/public_keys/secret_scanning`;
  return list;
}

const HEADERS = { github: 'github-public-key', gitlab: 'gitlab-public-key', depsdev: 'gosst-public-key' } as const;

type Signing = { key: SigningKey; origin?: keyof typeof HEADERS; dsaEncoding?: 'der' | 'ieee-p1363' };

/** The headers of a report, signed as its sender does. */
export function signReport(
  body: string,
  { key, origin = 'github', dsaEncoding = 'der' }: Signing,
): Record<string, string> {
  const signature = sign('sha256', Buffer.from(body), { key: key.privateKey, dsaEncoding });
  return {
    [`${HEADERS[origin]}-identifier`]: key.id,
    [`${HEADERS[origin]}-signature`]: signature.toString('base64'),
  };
}

/** Sends a report as its sender does. */
export function sendReport(to: { url: string }, tokens: unknown, signing: Signing): Promise<Answer> {
  const body = typeof tokens === 'string' ? tokens : JSON.stringify(tokens);
  return call(to, 'POST', '/v1/hooks/leaks', { body, headers: signReport(body, signing) });
}

/** A report entry. */
export function entry(token: string, more: object = {}) {
  return {
    token,
    type: 'acme_api_key',
    url: 'https://github.com/acme/tasks/blob/0a1b2c/.env',
    source: 'commit',
    ...more,
  };
}
