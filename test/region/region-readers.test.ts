import { describe, expect, test } from 'vitest';
import type { Invalidation } from '../../src/invalidation/invalidation.ts';
import { makeRecentChanges } from '../../src/invalidation/recent-changes.ts';
import {
  findListsInRegion,
  findSessionsInRegion,
  findTokensInRegion,
  readKeysInRegion,
} from '../../src/region/region-readers.ts';
import { makeReadInRegion } from '../../src/region/read-in-region.ts';
import type { MirrorRead, MirrorRecord } from '../../src/verification/mirror-record.ts';

/** A region that is current, and changes that came since it was known to have everything. */
function start() {
  const changes = makeRecentChanges();
  const proof = {
    mark: () => ({ asOfMs: 1, change: 0 }),
    isRecent: () => true,
    fail: () => undefined,
    hasChanged: ({ change }: { change: number }, concerns: (change: Invalidation) => boolean) =>
      changes.since(change, concerns),
  };
  return { change: changes.note, region: { proof, read: makeReadInRegion({ proof, count: () => undefined }) } };
}

const record = { organizationId: 'org_a', keyId: 'key_1', revoked: false, label: 'region' } as MirrorRecord;
const read = (more: Partial<MirrorRecord> = {}): MirrorRead => ({
  record: { ...record, ...more },
  hash: Buffer.alloc(32),
  hmacKeyId: 'h1',
});

async function keyFound(more: Partial<MirrorRecord>, change?: Invalidation) {
  const started = start();
  if (change) started.change(change);
  const find = readKeysInRegion(started.region, {
    region: async () => read(more),
    home: async () => read({ label: 'home' }),
  });
  return find([Buffer.alloc(32)]);
}

describe('a key', () => {
  test('is that of the region, as of when the region was known to have everything', async () => {
    expect(await keyFound({})).toMatchObject({ record: { label: 'region' }, asOfMs: 1 });
  });

  test('is read at home before it is called revoked', async () => {
    const found = await keyFound({ revoked: true });
    expect([found?.record.label, found?.asOfMs]).toEqual(['home', undefined]);
  });

  test.each([
    ['the key', { organizationId: 'org_a', keyId: 'key_1' }, 'home'],
    ['its organization', { organizationId: 'org_a' }, 'home'],
    ['another key', { organizationId: 'org_a', keyId: 'key_2' }, 'region'],
    ['another organization', { organizationId: 'org_b' }, 'region'],
    ['a session', { organizationId: 'org_a', sessionId: 'session_1' }, 'region'],
  ])('after a change of %s is that of %s', async (_of, change, label) => {
    expect((await keyFound({}, change))?.record.label).toBe(label);
  });
});

describe('a session', () => {
  const at = new Date('2026-11-22T10:00:00Z');
  const session = { organizationId: 'org_a', lastActiveAt: at, endReason: undefined };
  const home = { ...session, organizationId: 'org_home' };
  const find = ({ region }: ReturnType<typeof start>, found: typeof session | undefined) =>
    findSessionsInRegion(region, { region: async () => found, home: async () => home });

  test('is that of the region while it is good', async () => {
    expect(await find(start(), session)('session_1', () => true)).toEqual(session);
  });

  test('that would be refused, or is not there, is read at home', async () => {
    expect(await find(start(), session)('session_1', () => false)).toEqual(home);
    expect(await find(start(), undefined)('session_1', () => true)).toEqual(home);
  });

  test('that has ended a moment ago is read at home', async () => {
    const started = start();
    started.change({ organizationId: 'org_a', sessionId: 'session_2' });
    expect(await find(started, session)('session_1', () => true)).toEqual(session);
    started.change({ organizationId: 'org_a', sessionId: 'session_1' });
    expect(await find(started, session)('session_1', () => true)).toEqual(home);
  });

  test('by its token is read at home once it has changed', async () => {
    const started = start();
    const byToken = findTokensInRegion(started.region, {
      region: async () => ({ sessionId: 'session_1', from: 'region' }),
      home: async () => ({ sessionId: 'session_1', from: 'home' }),
    });
    expect((await byToken([]))?.from).toBe('region');
    started.change({ organizationId: 'org_a', sessionId: 'session_1' });
    expect((await byToken([]))?.from).toBe('home');
  });
});

const listOf = ({ region }: ReturnType<typeof start>, list: readonly string[] | undefined) =>
  findListsInRegion(region, { region: async () => list, home: async () => ['192.0.2.1'] });

describe('an IP allow list', () => {
  test('is that of the region, also an empty one', async () => {
    expect(await listOf(start(), [])('org_a')).toEqual([]);
  });

  test('of an organization that the region lacks is read at home', async () => {
    expect(await listOf(start(), undefined)('org_a')).toEqual(['192.0.2.1']);
  });

  test('is read at home after a change of the organization, not of a key', async () => {
    const started = start();
    started.change({ organizationId: 'org_a', keyId: 'key_1' });
    expect(await listOf(started, [])('org_a')).toEqual([]);
    started.change({ organizationId: 'org_a' });
    expect(await listOf(started, [])('org_a')).toEqual(['192.0.2.1']);
  });
});
