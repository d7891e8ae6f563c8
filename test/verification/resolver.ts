import { UNLIMITED } from '../../src/limits/limits.ts';
import type { KeyCache } from '../../src/verification/key-cache.ts';
import type { MirrorRead, MirrorRecord, ReadMirror } from '../../src/verification/mirror-record.ts';
import { makeKeyResolver } from '../../src/verification/resolve-key.ts';
import type { Trust } from '../../src/invalidation/trust.ts';

export const NOWHERE = { guesser: { address: undefined }, counted: false };
export const KEY = 'sk_a_key_that_is_long';
const HASH = Buffer.from('hash');

export const record = (organizationId: string, keyId: string, revoked = false): MirrorRecord => ({
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
  suspended: false,
  expiresAtMs: undefined,
  limits: UNLIMITED,
  account: { status: 'active', statusSince: undefined, trialEndsAt: undefined, deletedAt: undefined },
});

export const cached = (organizationId: string, keyId: string) => ({
  record: record(organizationId, keyId),
  readAtMs: 0,
});

export const readOf = (found: MirrorRecord): MirrorRead => ({ record: found, hash: HASH, hmacKeyId: 'current' });

type Parts = { cache: KeyCache; trust: Trust; readMirror: ReadMirror };

/** Of keys that are their own names, and that WorkOS knows nothing of. */
export function resolverOf({ cache, trust, readMirror }: Parts) {
  return makeKeyResolver({
    format: { secretOf: (presented) => presented, fits: () => true, importedHashesOf: () => [], locate: () => [] },
    hasher: { nameOf: (secret) => secret, hashesOf: () => [HASH], hmacKeyIds: ['current'] },
    unknown: { has: () => false, note: () => undefined },
    renewHash: () => undefined,
    failures: { overFor: () => undefined, count: () => Promise.resolve(undefined) },
    cache,
    trust,
    readMirror,
    findSalted: () => Promise.resolve(undefined),
    adopt: () => Promise.resolve(false),
    spareLookUps: { turn: () => Promise.resolve(true) },
  });
}
