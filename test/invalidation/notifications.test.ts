import { setTimeout as sleep } from 'node:timers/promises';
import type { Knex } from 'knex';
import { describe, expect, it } from 'vitest';
import { parsePayload, payloadsOf } from '../../src/invalidation/invalidation.ts';
import type { Announced } from '../../src/invalidation/invalidation.ts';
import { makeNotifications } from '../../src/invalidation/notifications.ts';

const changeOf = (id: number): Announced => ({ id, organizationId: `org_${id}`, keyId: `api_key_${id}` });
const upTo = (count: number) => Array.from({ length: count }, (_, i) => changeOf(i + 1));

describe('payloadsOf', () => {
  it('writes changes of every kind so that they are read again, in their order', () => {
    const changes: Announced[] = [
      { id: 1, organizationId: 'org_a', keyId: 'key_1' },
      { id: 2, organizationId: 'org_ä', keyId: undefined },
      { id: undefined, organizationId: 'org_a', keyId: undefined, sessionId: 'session_1' },
    ];
    expect(payloadsOf(changes).map(parsePayload)).toEqual([changes]);
  });

  it('splits what PostgreSQL would not take in one payload', () => {
    const changes = upTo(1_000);
    const payloads = payloadsOf(changes);
    expect(payloads.flatMap((payload) => parsePayload(payload))).toEqual(changes);
    const sizes = payloads.map((payload) => Buffer.byteLength(payload));
    expect(Math.max(...sizes)).toBeLessThan(8_000);
    // None could take another change, but the last.
    expect(Math.min(...sizes.slice(0, -1))).toBeGreaterThan(7_900);
  });

  it('leaves a change to the log that no payload can take', () => {
    const huge = { id: 1, organizationId: 'ö'.repeat(4_000), keyId: undefined };
    expect(payloadsOf([huge, changeOf(2)]).map(parsePayload)).toEqual([[changeOf(2)]]);
    expect(payloadsOf([huge])).toEqual([]);
  });
});

/** Notifications to a database that takes each statement when it is let, or refuses it. */
function start(answer: () => Promise<void> = () => Promise.resolve()) {
  const sent: number[][] = [];
  const warnings: object[] = [];
  const raw = async (_sql: string, [, payloads]: [string, string[]]) => {
    sent.push(payloads.flatMap((payload) => parsePayload(payload)!.map(({ id }) => id!)));
    await answer();
  };
  const db = { raw } as unknown as Knex;
  const notifications = makeNotifications({ db, log: { warn: (fields: object) => void warnings.push(fields) } });
  return { sent, warnings, ...notifications };
}

describe('makeNotifications', () => {
  it('sends the first change at once, and those that come meanwhile together', async () => {
    const answered = Promise.withResolvers<void>();
    const { sent, add, flush } = start(() => answered.promise);
    add(changeOf(1));
    add(changeOf(2));
    await sleep(1);
    add(changeOf(3));
    await sleep(1);
    add(changeOf(4));
    expect(sent).toEqual([[1, 2]]);
    answered.resolve();
    await flush();
    expect(sent).toEqual([
      [1, 2],
      [3, 4],
    ]);
    add(changeOf(5));
    await flush();
    expect(sent.at(-1)).toEqual([5]);
  });

  it('leaves to the log what it could not send, and sends what comes later', async () => {
    let failing = true;
    const { sent, warnings, add, flush } = start(() =>
      failing ? Promise.reject(new Error('no connection')) : Promise.resolve(),
    );
    add(changeOf(1));
    await flush();
    failing = false;
    add(changeOf(2));
    await flush();
    expect(sent).toEqual([[1], [2]]);
    expect(warnings).toEqual([expect.objectContaining({ changes: 1 })]);
  });

  it('keeps at most 10,000 changes while the database does not answer', async () => {
    const answered = Promise.withResolvers<void>();
    const { sent, add, flush } = start(() => answered.promise);
    add(changeOf(0));
    await sleep(1);
    for (const change of upTo(10_050)) add(change);
    answered.resolve();
    await flush();
    expect(sent.map(({ length }) => length)).toEqual([1, 10_000]);
  });
});
