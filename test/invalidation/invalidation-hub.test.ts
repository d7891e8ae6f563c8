import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { makeInvalidationHub } from '../../src/invalidation/invalidation-hub.ts';

beforeEach(() => void vi.useFakeTimers());
afterEach(() => vi.useRealTimers());

/** A hub, and a listener that reads every change when it is woken. */
function start(options: Parameters<typeof makeInvalidationHub>[0] = {}) {
  const hub = makeInvalidationHub(options);
  const seen: string[][] = [];
  const position = hub.now();
  const lost = { is: false };
  hub.onChange(() => {
    lost.is ||= !hub.reaches(position);
    const names: string[] = [];
    for (let change = hub.after(position.number); change; change = hub.after(position.number)) {
      position.number++;
      names.push(change.organizationId);
    }
    seen.push(names);
  });
  const change = (...names: string[]) => names.forEach((organizationId) => hub.invalidate({ organizationId }));
  return { hub, seen, lost, change };
}

describe('makeInvalidationHub', () => {
  it('wakes listeners at once for a change, and once for those of the next 10 ms, in their order', () => {
    const { seen, change } = start();
    change('a', 'b');
    vi.advanceTimersByTime(1);
    expect(seen).toEqual([['a', 'b']]);
    change('c');
    vi.advanceTimersByTime(5);
    change('d');
    expect(seen).toHaveLength(1);
    vi.advanceTimersByTime(5);
    expect(seen).toEqual([
      ['a', 'b'],
      ['c', 'd'],
    ]);
    vi.advanceTimersByTime(1_000);
    expect(seen).toHaveLength(2);
    change('e');
    vi.advanceTimersByTime(1);
    expect(seen.at(-1)).toEqual(['e']);
  });

  it('wakes listeners before its ring has forgotten what they have not seen', () => {
    const { seen, lost, change } = start({ maxChanges: 10 });
    const names = Array.from({ length: 35 }, (_, i) => `org_${i}`);
    change(...names);
    vi.advanceTimersByTime(10);
    expect([seen.flat(), lost.is]).toEqual([names, false]);
  });

  it('wakes listeners in the same moment when anything may have changed', () => {
    const { hub, seen, change } = start();
    change('a');
    hub.clear();
    expect([seen, hub.now().number]).toEqual([[[]], 0]);
    hub.wake();
    expect(seen).toHaveLength(2);
  });
});
