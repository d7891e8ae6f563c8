import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { makePolicy } from '../../src/tenants/posture.ts';
import { policyRulesOf } from '../../src/product/billing-rules.ts';
import { makeJudge } from '../../src/verification/judge.ts';
import { makeKeyCache } from '../../src/verification/key-cache.ts';
import type { MirrorRead } from '../../src/verification/mirror-record.ts';
import type { Resolved } from '../../src/verification/resolve-key.ts';
import { makeTrust } from '../../src/invalidation/trust.ts';
import { KEY, cached, NOWHERE, readOf, record, resolverOf } from './resolver.ts';
import { propertyRuns } from '../support/property-runs.ts';

const judge = makeJudge(makePolicy(policyRulesOf({ grace_days: {}, postures: {} })));
const milliseconds = (work: () => void) => {
  const from = performance.now();
  work();
  return performance.now() - from;
};

describe('key cache', () => {
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

  test('knows keys that an organization gets after its keys were forgotten, and forgets them with it again', () => {
    const cache = makeKeyCache({ maxKeys: 2, ttlMs: 60_000 });
    const fill = (keyId: string) => cache.fill(keyId, cached('org_a', keyId), cache.generation());
    const known = () => ['a1', 'a2', 'a3'].filter((hash) => cache.get(hash) ?? cache.getOld(hash));
    fill('a1');
    cache.invalidate({ organizationId: 'org_a' });
    fill('a2');
    expect(known()).toEqual(['a2']);
    // The last key of before makes room, and leaves the organization's later keys known.
    fill('a3');
    fill('a1');
    expect(known()).toEqual(['a1', 'a3']);
    cache.invalidate({ organizationId: 'org_a' });
    expect(known()).toEqual([]);
  });

  test('keeps no more than its number of keys', () => {
    const cache = makeKeyCache({ maxKeys: 100, ttlMs: 60_000 });
    for (let i = 0; i < 1_000; i++) cache.fill(`hash ${i}`, cached(`org_${i}`, `key_${i}`), cache.generation());
    expect(cache.size()).toBe(100);
  });

  test('treats keys of a deleted organization as revoked', () => {
    const known = record('org_a', 'a1');
    const gone = { ...known, account: { ...known.account, deletedAt: new Date(0) } };
    const use = { environment: 'live' as const, scopes: [], operation: 'read' as const, ip: undefined };
    expect([judge(known, use, new Date()), judge(gone, use, new Date())]).toEqual(['valid', 'revoked']);
  });

  test('drops a fill whose read began before a change', () => {
    const cache = makeKeyCache({ maxKeys: 10, ttlMs: 60_000 });
    const readUnder = cache.generation();
    cache.invalidate({ organizationId: 'org_a', keyId: 'a1' });
    expect(cache.fill('a1', cached('org_a', 'a1'), readUnder)).toBe(false);
    expect(cache.get('a1')).toBeUndefined();
  });

  test('keeps a fill while other keys change', () => {
    const cache = makeKeyCache({ maxKeys: 10, ttlMs: 60_000 });
    const readUnder = cache.generation();
    cache.invalidate({ organizationId: 'org_b' });
    cache.invalidate({ organizationId: 'org_a', keyId: 'a2' });
    expect(cache.fill('a1', cached('org_a', 'a1'), readUnder)).toBe(true);
    const later = cache.generation();
    cache.invalidate({ organizationId: 'org_a' });
    expect(cache.fill('a1', cached('org_a', 'a1'), later)).toBe(false);
  });

  test('drops a fill after more changes than it remembers', () => {
    const cache = makeKeyCache({ maxKeys: 10, ttlMs: 60_000 });
    const readUnder = cache.generation();
    for (let i = 0; i < 10_001; i++) cache.invalidate({ organizationId: 'org_b' });
    expect(cache.fill('a1', cached('org_a', 'a1'), readUnder)).toBe(false);
    const later = cache.generation();
    cache.clear();
    expect(cache.fill('a1', cached('org_a', 'a1'), later)).toBe(false);
  });

  test('voids unknown keys after the change of a key that is not in memory', () => {
    const cache = makeKeyCache({ maxKeys: 10, ttlMs: 60_000 });
    cache.fill('a1', cached('org_a', 'a1'), cache.generation());
    const before = cache.makings();
    cache.invalidate({ organizationId: 'org_a' });
    cache.fill('a1', cached('org_a', 'a1'), cache.generation());
    cache.invalidate({ organizationId: 'org_a', keyId: 'a1' });
    expect(cache.makings()).toBe(before);
    cache.invalidate({ organizationId: 'org_a', keyId: 'a2' });
    expect(cache.makings()).not.toBe(before);
  });

  test('reads 2,000 keys once each while others change', async () => {
    const cache = makeKeyCache({ maxKeys: 10_000, ttlMs: 60_000 });
    let reads = 0;
    const readMirror = async () => {
      const key = `k${reads++}`;
      for (let i = 0; i < 3; i++) {
        await Promise.resolve();
        cache.invalidate({ organizationId: 'org_b', keyId: `b${reads}` });
      }
      return readOf(record('org_a', key));
    };
    const { resolveKey } = resolverOf({ cache, trust: makeTrust(cache, { alone: true }), readMirror });
    for (let i = 0; i < 2_000; i++) {
      await Promise.all([
        resolveKey(`sk_a_key_that_is_long_${i}`, NOWHERE),
        resolveKey(`sk_a_key_that_is_long_${i}`, NOWHERE),
      ]);
      await resolveKey(`sk_a_key_that_is_long_${i}`, NOWHERE);
    }
    expect(reads).toBe(2_000);
  });

  test('reports a key as due after three quarters of its time, once a second', () => {
    let nowMs = 1;
    const cache = makeKeyCache({ maxKeys: 10, ttlMs: 60_000, nowMs: () => nowMs });
    cache.fill('a1', cached('org_a', 'a1'), cache.generation());
    const isDue = () => cache.isDue(cache.get('a1')!);
    const at = (ms: number) => ((nowMs = ms), isDue());
    expect([at(2), at(45_000), at(45_001), at(45_002), at(46_000), at(46_001)]).toEqual([
      false,
      false,
      true,
      false,
      false,
      true,
    ]);
    cache.fill('a1', cached('org_a', 'a1'), cache.generation());
    expect([at(60_001), at(91_000), at(91_001)]).toEqual([false, false, true]);
    nowMs = 106_002;
    expect(cache.get('a1')).toBeUndefined();
  });

  test('is trusted after the channel opens and a beat, and cleared when the channel is lost', () => {
    const cache = makeKeyCache({ maxKeys: 10, ttlMs: 60_000 });
    const trust = makeTrust(cache);
    expect(trust.isTrusted()).toBe(false);
    trust.onOpen();
    expect(trust.isTrusted()).toBe(false);
    trust.proven(performance.now());
    expect(trust.isTrusted()).toBe(true);
    cache.fill('a1', cached('org_a', 'a1'), cache.generation());
    trust.onLost();
    expect([trust.isTrusted(), cache.size()]).toEqual([false, 0]);
  });

  test('forgets everything after an unreadable notification', () => {
    const cache = makeKeyCache({ maxKeys: 10, ttlMs: 60_000 });
    const trust = makeTrust(cache, { alone: true });
    cache.fill('a1', cached('org_a', 'a1'), cache.generation());
    trust.onNotification('not ours');
    expect(cache.size()).toBe(0);
  });

  // A revocation and any number of verifications, their reads and answers interleaved in every way that fast-check finds:
  // 10,000 runs. The database is a variable that each read sees at one moment of its own.
  test('never returns valid to a verification that begins after a revocation was answered', async () => {
    const step = fc.oneof(
      fc.record({ kind: fc.constant('begin' as const) }),
      fc.record({ kind: fc.constant('age' as const) }),
      fc.record({ kind: fc.constant('read' as const), which: fc.nat(9) }),
      fc.record({ kind: fc.constant('finish' as const), which: fc.nat(9) }),
      fc.record({ kind: fc.constant('revoke' as const) }),
      fc.record({ kind: fc.constant('notification' as const) }),
      fc.record({ kind: fc.constant('another' as const) }),
    );
    await fc.assert(
      fc.asyncProperty(fc.array(step, { minLength: 3, maxLength: 14 }), async (steps) => {
        let nowMs = 1;
        const cache = makeKeyCache({ maxKeys: 10, ttlMs: 60_000, nowMs: () => nowMs });
        const trust = makeTrust(cache, { alone: true });
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
                resolve(readOf(record('org_a', 'a1', seen)));
              },
            });
          });
        const { resolveKey } = resolverOf({ cache, trust, readMirror });
        const asked: { afterRevocation: boolean; answer: Promise<boolean> }[] = [];
        for (const { kind, ...rest } of steps) {
          const which = waiting['which' in rest ? rest.which : 0];
          if (kind === 'begin') {
            const answer = resolveKey(KEY, NOWHERE).then((resolved) => !(resolved as Resolved).record.revoked);
            asked.push({ afterRevocation: revoked, answer });
          } else if (kind === 'age') nowMs += 46_000;
          else if (kind === 'read') which?.read();
          else if (kind === 'finish') which?.finish();
          else if (kind === 'revoke') {
            // What the revoking replica does: commit, forget, answer.
            revoked = true;
            cache.invalidate({ organizationId: 'org_a', keyId: 'a1' });
          } else if (kind === 'another') cache.invalidate({ organizationId: 'org_b', keyId: 'b1' });
          else trust.onNotification(JSON.stringify(['org_a', 'a1']));
          await Promise.resolve();
        }
        const all = Promise.all(asked.map(async (each) => ({ ...each, valid: await each.answer })));
        // Whoever joined a read that was outdated reads for itself.
        for (let round = 0; round < 3; round++) {
          for (const { finish } of waiting.splice(0)) finish();
          await new Promise(setImmediate);
        }
        const late = (await all).filter(({ afterRevocation }) => afterRevocation).map(({ valid }) => valid);
        expect(late.filter((valid) => valid)).toEqual([]);
      }),
      { numRuns: propertyRuns(10_000) },
    );
  });

  test('finds one key among many of its organization without scanning the others', () => {
    const cache = makeKeyCache({ maxKeys: 50_000, ttlMs: 60_000 });
    for (let i = 0; i < 50_000; i++) cache.fill(`hash ${i}`, cached('org_a', `key_${i}`), cache.generation());
    const many = milliseconds(() => {
      for (let i = 0; i < 1_000; i++) cache.invalidate({ organizationId: 'org_a', keyId: `key_${i}` });
    });
    expect([cache.size(), cache.get('hash 999'), cache.get('hash 1000') !== undefined]).toEqual([
      49_000,
      undefined,
      true,
    ]);
    // One walk over all of them alone takes some milliseconds.
    expect(many).toBeLessThan(1_000);
  });

  test('forgets a key under every hash that it was filled with', () => {
    const cache = makeKeyCache({ maxKeys: 10, ttlMs: 60_000 });
    for (const hash of ['one', 'two', 'three']) cache.fill(hash, cached('org_a', 'a1'), cache.generation());
    cache.fill('two', cached('org_a', 'a1'), cache.generation());
    cache.drop('one');
    cache.invalidate({ organizationId: 'org_a', keyId: 'a1' });
    expect(cache.size()).toBe(0);
  });
});
