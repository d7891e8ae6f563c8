import { afterEach, describe, expect, test, vi } from 'vitest';
import { makeTrust } from '../../src/invalidation/trust.ts';

afterEach(() => vi.useRealTimers());

/** A replica's trust, and a database of its own making whose beats are moved by hand. */
function start(options: { graceMs?: number } = {}) {
  const calls: string[] = [];
  let nowMs = 10_000;
  const memory = {
    invalidate: ({ organizationId, keyId }: { organizationId: string; keyId?: string | undefined }) =>
      void calls.push(`${organizationId} ${keyId}`),
    clear: () => void calls.push('clear'),
    doubt: () => void calls.push('doubt'),
  };
  const trust = makeTrust(memory, { ...options, nowMs: () => nowMs });
  const server = { number: 1, behind: false, changes: [] as object[], asked: [] as (readonly unknown[])[] };
  /** One heartbeat, which takes `tookMs`; `written` when it committed the beat itself. */
  const heartbeat = (written = false, tookMs = 0) =>
    trust.heartbeat(async (_sql, values) => {
      server.asked.push(values);
      if (written) server.number++;
      nowMs += tookMs;
      const changes = server.changes.length > 0 ? server.changes.splice(0) : null;
      return [
        {
          written: written ? `${server.number}` : null,
          seen: `${server.number - Number(written)}`,
          behind: server.behind,
          snapshot: '1:1:',
          changes,
        },
      ];
    });
  async function open(written = false) {
    trust.begin();
    await heartbeat(written);
    trust.onOpen();
  }
  return { trust, calls, server, heartbeat, open, advance: (ms: number) => void (nowMs += ms) };
}

describe('trust', () => {
  test('trusts memory once the channel is open and a beat was committed since', async () => {
    const { trust, server, heartbeat, open } = start();
    await open();
    expect([trust.isTrusted(), trust.isProven()]).toEqual([false, false]);
    await heartbeat();
    expect(trust.isTrusted()).toBe(false);
    server.number++;
    await heartbeat();
    expect([trust.isTrusted(), trust.isProven()]).toEqual([true, true]);
  });

  test('proves the start of its own beat, and the previous heartbeat by the beat of another replica', async () => {
    const own = start();
    await own.open(true);
    await own.heartbeat(true, 900);
    own.advance(2_099);
    expect(own.trust.isTrusted()).toBe(true);
    own.advance(1);
    expect(own.trust.isTrusted()).toBe(false);

    const others = start();
    await others.open();
    others.advance(500);
    others.server.number++;
    await others.heartbeat();
    others.advance(2_499);
    expect(others.trust.isTrusted()).toBe(true);
    others.advance(1);
    expect([others.trust.isTrusted(), others.trust.isProven()]).toEqual([false, false]);
    expect(() => others.trust.assertProven()).toThrow(expect.objectContaining({ code: 'database_unavailable' }));
  });

  test('proves nothing while the mirror is behind WorkOS, and keeps the connection', async () => {
    const { trust, server, heartbeat, open, advance } = start();
    server.behind = true;
    await open(true);
    await trust.begun;
    for (let i = 0; i < 20; i++) {
      advance(500);
      await heartbeat(true);
    }
    expect([trust.isTrusted(), trust.isProven(), trust.isPrimary()]).toEqual([false, false, true]);
    expect(() => trust.assertProven()).toThrow(
      expect.objectContaining({ code: 'database_unavailable', message: expect.stringContaining('events of WorkOS') }),
    );
    server.behind = false;
    await heartbeat(true);
    expect([trust.isTrusted(), trust.isProven()]).toEqual([true, true]);
  });

  test('lets no memory of before answer on a connection whose mirror is behind', async () => {
    const { trust, calls, server, heartbeat, open } = start();
    await open(true);
    trust.onLost();
    server.behind = true;
    await open(true);
    expect([trust.isProven(), trust.isTrusted()]).toEqual([true, false]);
    server.behind = false;
    calls.length = 0;
    await heartbeat(true);
    expect([trust.isTrusted(), calls]).toEqual([true, ['clear']]);
  });

  test('proves nothing by heartbeats without a beat, and gives the connection up after 3 seconds', async () => {
    const { trust, heartbeat, open, advance } = start();
    await open(true);
    for (let i = 0; i < 11; i++) {
      advance(500);
      await heartbeat();
    }
    expect(trust.isTrusted()).toBe(false);
    advance(500);
    await expect(heartbeat()).rejects.toThrow('no beat was committed');
  });

  test('waits for a beat on each new connection', async () => {
    const { trust, calls, server, heartbeat, open } = start();
    await open(true);
    trust.onLost();
    expect([trust.isTrusted(), trust.isProven()]).toEqual([false, true]);
    server.number = 100;
    await open();
    expect(trust.isTrusted()).toBe(false);
    server.number++;
    calls.length = 0;
    await heartbeat();
    expect([trust.isTrusted(), calls]).toEqual([true, ['clear']]);
  });

  test('forgets logged changes without a notification, and notified ones only once', async () => {
    const { trust, calls, server, heartbeat, open } = start();
    await open(true);
    calls.length = 0;
    trust.onNotification('[[1,"org_a","key_1",null],[2,"org_c",null,null]]');
    server.changes.push(
      { id: 1, organization_id: 'org_a', key_id: 'key_1', session_id: null },
      { id: 2, organization_id: 'org_c', key_id: null, session_id: null },
      { id: 3, organization_id: 'org_a', key_id: 'key_2', session_id: null },
      { id: 4, organization_id: 'org_b', key_id: null, session_id: null },
    );
    await heartbeat();
    const all = ['org_a key_1', 'org_c undefined', 'org_a key_2', 'org_b undefined'];
    expect(calls).toEqual(all);
    // A notification that comes after its change was read from the log.
    trust.onNotification('[[3,"org_a","key_2",null]]');
    expect(calls).toEqual(all);
    // The same change again, whose notification is lost.
    server.changes.push({ id: 5, organization_id: 'org_a', key_id: 'key_1', session_id: null });
    await heartbeat();
    expect(calls).toEqual([...all, 'org_a key_1']);
    expect(server.asked.map(([snapshot]) => snapshot)).toEqual([null, '1:1:', '1:1:']);
  });

  test('forgets everything when the log has more changes than one read takes', async () => {
    const { calls, server, heartbeat, open } = start();
    await open(true);
    calls.length = 0;
    server.changes = Array.from({ length: 10_001 }, (_, id) => ({
      id,
      organization_id: 'org_a',
      key_id: null,
      session_id: null,
    }));
    await heartbeat();
    expect(calls).toEqual(['clear']);
  });

  test('understands the last release, and forgets everything after what it cannot read', async () => {
    const { calls, trust, open } = start();
    await open(true);
    calls.length = 0;
    trust.onNotification('["org_a","key_1"]');
    trust.onNotification('["org_a",null]');
    trust.onNotification('["org_a",null,"session_1"]');
    expect(calls).toEqual(['org_a key_1', 'org_a undefined', 'org_a undefined']);
    for (const payload of ['', '{}', '["org_a"]', '[["org_a","key_1"]]', undefined]) {
      calls.length = 0;
      trust.onNotification(payload);
      expect(calls).toEqual(['clear']);
    }
  });

  test('trims the log below a snapshot that is five minutes old', async () => {
    const { server, heartbeat, open, advance } = start();
    await open(true);
    advance(299_999);
    await heartbeat(true);
    await heartbeat(true);
    advance(1);
    await heartbeat(true);
    await heartbeat(true);
    expect(server.asked.map(([, mark]) => mark)).toEqual([null, null, null, null, '1:1:']);
  });

  test('wakes listeners when the proof expires, so that streams end', async () => {
    vi.useFakeTimers();
    const { calls, open } = start();
    await open(true);
    calls.length = 0;
    vi.advanceTimersByTime(3_000);
    expect(calls).toEqual([]);
    vi.advanceTimersByTime(1);
    expect(calls).toEqual(['doubt']);
  });

  test('clears memory with the channel, unless a grace lets it answer', async () => {
    const strict = start();
    await strict.open(true);
    strict.calls.length = 0;
    strict.trust.onLost();
    expect([strict.calls, strict.trust.mayServeStale()]).toEqual([['clear', 'doubt'], false]);

    const lenient = start({ graceMs: 5_000 });
    await lenient.open(true);
    lenient.calls.length = 0;
    lenient.trust.onLost();
    expect([lenient.calls, lenient.trust.mayServeStale()]).toEqual([['doubt'], true]);
    lenient.advance(7_999);
    expect(lenient.trust.mayServeStale()).toBe(true);
    lenient.advance(1);
    expect(lenient.trust.mayServeStale()).toBe(false);
  });
});
