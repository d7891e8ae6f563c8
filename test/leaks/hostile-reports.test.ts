import { describe, expect, test } from 'vitest';
import { call, createKey, outcome, verifyKey } from '../support/api.ts';
import type { Answer } from '../support/api.ts';
import { startService } from '../support/service.ts';
import { PUBLISHED, entry, makeSigningKey, sendReport, signReport, startKeyList } from './scanner.ts';

const key = makeSigningKey('k1');
const stranger = { ...makeSigningKey('stranger'), id: 'k1' };
const otherCurve = makeSigningKey('p384', 'P-384');
const list = await startKeyList(key, otherCurve);
const service = await startService({
  LATCHKEY_LEAK_ORIGINS: 'github,gitlab',
  LATCHKEY_LEAK_KEYS_GITHUB: list.url,
  LATCHKEY_LEAK_KEYS_GITLAB: list.url,
});
/** A live key of an organization of its own. */
async function liveKey() {
  const acme = await service.organizations.add();
  return createKey(service, await acme.session());
}

const send = (body: string, headers: Record<string, string>) =>
  call(service, 'POST', '/v1/hooks/leaks', { body, headers });

describe('POST /v1/hooks/leaks', () => {
  test.each<[string, string, (body: string) => Promise<Answer>]>([
    ['has no signature', 'credential_missing', (body) => send(body, {})],
    [
      'has an empty signature',
      'credential_missing',
      (body) => send(body, { ...signReport(body, { key }), 'github-public-key-signature': '' }),
    ],
    [
      'names no key',
      'credential_invalid',
      (body) =>
        send(body, { 'github-public-key-signature': signReport(body, { key })['github-public-key-signature']! }),
    ],
    ['is signed by a stranger', 'credential_invalid', (body) => send(body, signReport(body, { key: stranger }))],
    ['is signed on another curve', 'credential_invalid', (body) => send(body, signReport(body, { key: otherCurve }))],
    [
      'has a signature in IEEE P1363',
      'credential_invalid',
      (body) => send(body, signReport(body, { key, dsaEncoding: 'ieee-p1363' })),
    ],
    ['has one more newline', 'credential_invalid', (body) => send(`${body}\n`, signReport(body, { key }))],
    [
      'was serialized again',
      'credential_invalid',
      (body) => send(JSON.stringify(JSON.parse(body), null, 1), signReport(body, { key })),
    ],
    [
      'is of an origin that is off',
      'credential_missing',
      (body) => send(body, signReport(body, { key, origin: 'depsdev' })),
    ],
    [
      'is signed as two origins',
      'credential_invalid',
      (body) => send(body, { ...signReport(body, { key }), ...signReport(body, { key, origin: 'gitlab' }) }),
    ],
    [
      'has a signature with more behind it',
      'credential_invalid',
      (body) => {
        const headers = signReport(body, { key });
        return send(body, {
          ...headers,
          'github-public-key-signature': `${headers['github-public-key-signature']}AAAA`,
        });
      },
    ],
    [
      'has the published signature of another report',
      'credential_invalid',
      (body) =>
        send(body, {
          'github-public-key-identifier': PUBLISHED.keyId,
          'github-public-key-signature': PUBLISHED.signature,
        }),
    ],
    [
      'is no JSON by its own word',
      'unsupported_media_type',
      (body) => send(body, { ...signReport(body, { key }), 'content-type': 'text/plain' }),
    ],
  ])('revokes nothing for a report that %s: %s', async (_what, code, report) => {
    const live = await liveKey();
    expect(outcome(await report(JSON.stringify([entry(live.value)])))[1]).toBe(code);
    expect((await verifyKey(service, { key: live.value })).body['valid']).toBe(true);
  });

  test.each<[string, unknown]>([
    ['is no list', { token: 'x' }],
    ['is empty', []],
    ['is no JSON', '[{"token":'],
    ['is nested ten thousand deep', '['.repeat(10_000) + ']'.repeat(10_000)],
    ['has more than 2,000 tokens', Array.from({ length: 2_001 }, () => 1)],
  ])('refuses a signed report that %s', async (_what, report) => {
    const answer = await sendReport(service, report, { key });
    const isNested = typeof report === 'string' && report.startsWith('[[');
    // It is a list of one entry that is no token.
    expect(outcome(answer)).toEqual(isNested ? [200, undefined] : [400, 'validation_error']);
  });

  test('says how many tokens one report takes', async () => {
    const answer = await sendReport(
      service,
      Array.from({ length: 5_000 }, () => 1),
      { key },
    );
    expect(answer.body.error.details).toEqual({
      fields: { body: 'One report takes at most 2000 tokens. Send the others in further reports.' },
    });
  });

  test('refuses a report of a million lines before its signature is checked', async () => {
    const answer = await sendReport(service, '\n'.repeat(1_000_000), { key });
    expect(outcome(answer)).toEqual([413, 'payload_too_large']);
  });

  test('takes the last of members of one name, as it is signed', async () => {
    const [first, last] = [await liveKey(), await liveKey()];
    const body = `[{"token":"${first.value}","type":"x","token":"${last.value}","url":"","__proto__":{"token":"y"}}]`;
    expect((await sendReport(service, body, { key })).status).toBe(200);
    expect((await verifyKey(service, { key: first.value })).body['valid']).toBe(true);
    expect((await verifyKey(service, { key: last.value })).body['valid']).toBe(false);
  });

  test('fetches the public keys once for a flood of invented key ids', async () => {
    await sendReport(service, [entry('x')], { key });
    service.clock.advance(60 * 60_000);
    const before = list.asked;
    const ids = Array.from({ length: 50 }, (_, i) => `invented_${i}`);
    const answers = await Promise.all(ids.map((id) => sendReport(service, [entry('x')], { key: { ...key, id } })));
    expect(new Set(answers.map(outcome).map(String))).toEqual(new Set(['401,credential_invalid']));
    expect(list.asked - before).toBe(1);
    expect((await sendReport(service, [entry('x')], { key })).status).toBe(200);
    expect(list.asked - before).toBe(1);
  });

  test('answers 503 while the public keys cannot be fetched, and takes the same report later', async () => {
    const live = await liveKey();
    service.clock.advance(60 * 60_000);
    list.answer = (_req, res) => void res.writeHead(500).end();
    const refused = await sendReport(service, [entry(live.value)], { key });
    expect(outcome(refused)).toEqual([503, 'issuer_unavailable']);
    const metrics = await (await fetch(`${service.url}/metrics`)).text();
    expect(metrics).toContain('latchkey_leak_reports_total{origin="github",outcome="unavailable"} 1\n');
    list.answer = undefined;
    service.clock.advance(60_000);
    expect((await sendReport(service, [entry(live.value)], { key })).status).toBe(200);
    expect((await verifyKey(service, { key: live.value })).body['valid']).toBe(false);
  });
});
