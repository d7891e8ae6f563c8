import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { makePolicy } from '../../src/billing/posture.ts';
import { UNLIMITED } from '../../src/limits/limits.ts';
import { policyRulesOf } from '../../src/permissions/billing-rules.ts';
import { makeJudge } from '../../src/verification/judge.ts';
import { makeKeyCache } from '../../src/verification/key-cache.ts';
import type { MirrorRead, MirrorRecord } from '../../src/verification/mirror-record.ts';
import { makeKeyResolver } from '../../src/verification/resolve-key.ts';
import type { Resolved } from '../../src/verification/resolve-key.ts';
import { makeTrust } from '../../src/verification/trust.ts';

const judge = makeJudge(makePolicy(policyRulesOf({ grace_days: {}, postures: {} })));
const HASH = Buffer.from('hash');
const NOWHERE = { address: undefined, limited: false };

const record = (organizationId: string, keyId: string, revoked = false): MirrorRecord => ({
  organizationId,
  keyId,
  environment: 'live',
  ownerUserId: undefined,
  ipAllowList: [],
  organizationIpAllowList: [],
  label: keyId,
  permissionSet: undefined,
  scopes: new Set(),
  revoked,
  expiresAtMs: undefined,
  limits: UNLIMITED,
  account: { status: 'active', statusSince: undefined, trialEndsAt: undefined, deletedAt: undefined },
});
const cached = (organizationId: string, keyId: string) => ({ record: record(organizationId, keyId), readAtMs: 0 });

test('forgets one key, or all of an organization, and nothing else', () => {
  const cache = makeKeyCache({ maxKeys: 10, ttlMs: 60_000 });
  for (const [organizationId, keyId] of [
    ['org_a', 'a1'],
    ['org_a', 'a2'],
    ['org_b', 'b1'],
  ] as const) {
    cache.fill(keyId, cached(organizationId, keyId), cache.generation());
  }
  const known = () => ['a1', 'a2', 'b1'].filter((hash) => cache.get(hash));
  cache.invalidate({ organizationId: 'org_a', keyId: 'a1' });
  expect(known()).toEqual(['a2', 'b1']);
  cache.invalidate({ organizationId: 'org_b', keyId: 'a2' });
  expect(known()).toEqual(['a2', 'b1']);
  cache.invalidate({ organizationId: 'org_a' });
  expect(known()).toEqual(['b1']);
});

test('keeps no more than its number of keys', () => {
  const cache = makeKeyCache({ maxKeys: 100, ttlMs: 60_000 });
  for (let i = 0; i < 1_000; i++) cache.fill(`hash ${i}`, cached(`org_${i}`, `key_${i}`), cache.generation());
  expect(cache.size()).toBe(100);
});

test('the keys of an organization that WorkOS has deleted are revoked, whatever their own rows say', () => {
  const known = record('org_a', 'a1');
  const gone = { ...known, account: { ...known.account, deletedAt: new Date(0) } };
  const use = { environment: 'live' as const, scopes: [], operation: 'read' as const, ip: undefined };
  expect([judge(known, use, new Date()), judge(gone, use, new Date())]).toEqual(['valid', 'revoked']);
});

test('drops a fill that read before something changed', () => {
  const cache = makeKeyCache({ maxKeys: 10, ttlMs: 60_000 });
  const readUnder = cache.generation();
  cache.invalidate({ organizationId: 'org_a', keyId: 'a1' });
  expect(cache.fill('a1', cached('org_a', 'a1'), readUnder)).toBe(false);
  expect(cache.get('a1')).toBeUndefined();
});

test('trusts nothing before the channel opens, and forgets everything when it is lost', () => {
  const cache = makeKeyCache({ maxKeys: 10, ttlMs: 60_000 });
  const trust = makeTrust(cache);
  expect(trust.isTrusted()).toBe(false);
  trust.onOpen();
  expect(trust.isTrusted()).toBe(true);
  cache.fill('a1', cached('org_a', 'a1'), cache.generation());
  trust.onLost();
  expect([trust.isTrusted(), cache.size()]).toEqual([false, 0]);
});

test('a notice that cannot be read counts as a change of everything', () => {
  const cache = makeKeyCache({ maxKeys: 10, ttlMs: 60_000 });
  const trust = makeTrust(cache, { trusted: true });
  cache.fill('a1', cached('org_a', 'a1'), cache.generation());
  trust.onNotice('not ours');
  expect(cache.size()).toBe(0);
});

// A revocation and any number of verifications, their reads and answers interleaved in every way that fast-check finds:
// 10,000 runs. The database is a variable that each read sees at one moment of its own.
test('no verification that begins after a revocation was answered ever says valid', async () => {
  const step = fc.oneof(
    fc.record({ kind: fc.constant('begin' as const) }),
    fc.record({ kind: fc.constant('read' as const), which: fc.nat(9) }),
    fc.record({ kind: fc.constant('finish' as const), which: fc.nat(9) }),
    fc.record({ kind: fc.constant('revoke' as const) }),
    fc.record({ kind: fc.constant('notice' as const) }),
  );
  await fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 3, maxLength: 14 }), async (steps) => {
      const cache = makeKeyCache({ maxKeys: 10, ttlMs: 60_000 });
      const trust = makeTrust(cache, { trusted: true });
      const waiting: { read: () => void; finish: () => void }[] = [];
      let revoked = false;
      const readMirror = () =>
        new Promise<MirrorRead>((resolve) => {
          let seen: boolean | undefined;
          const read = () => void (seen ??= revoked);
          waiting.push({
            read,
            finish() {
              read();
              resolve({ record: record('org_a', 'a1', seen), hash: HASH, hashKey: 'current' });
            },
          });
        });
      const { resolveKey } = makeKeyResolver({
        format: { secretOf: (presented) => presented, fits: () => true },
        hasher: { nameOf: () => 'hash', hashesOf: () => [HASH], hashKeys: ['current'] },
        unknown: { has: () => false, note: () => undefined },
        renewHash: () => undefined,
        failures: { overFor: () => undefined, count: () => Promise.resolve(undefined) },
        cache,
        trust,
        readMirror,
        adopt: () => Promise.resolve(false),
        clock: () => new Date(0),
      });
      const asked: { afterRevocation: boolean; answer: Promise<boolean> }[] = [];
      for (const { kind, ...rest } of steps) {
        const which = waiting['which' in rest ? rest.which : 0];
        if (kind === 'begin') {
          const answer = resolveKey('sk_a_key_that_is_long', NOWHERE).then(
            (resolved) => !(resolved as Resolved).record.revoked,
          );
          asked.push({ afterRevocation: revoked, answer });
        } else if (kind === 'read') which?.read();
        else if (kind === 'finish') which?.finish();
        else if (kind === 'revoke') {
          // What the revoking replica does: commit, forget, answer.
          revoked = true;
          cache.invalidate({ organizationId: 'org_a', keyId: 'a1' });
        } else trust.onNotice(JSON.stringify(['org_a', 'a1']));
        await Promise.resolve();
      }
      for (const { finish } of waiting) finish();
      const late = await Promise.all(
        asked.filter(({ afterRevocation }) => afterRevocation).map(({ answer }) => answer),
      );
      expect(late.filter((valid) => valid)).toEqual([]);
    }),
    { numRuns: 10_000 },
  );
});
