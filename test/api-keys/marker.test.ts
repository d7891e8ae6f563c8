import { describe, expect, test } from 'vitest';
import { ulid } from '../../src/ids.ts';
import { makeMarker } from '../../src/api-keys/mirror/marker.ts';

const marker = makeMarker(Buffer.alloc(32, 1));
const row = ulid(new Date());

describe('makeMarker', () => {
  test.each(['CI', '', 'a [lk:b:c]', 'two\nlines', '🔑'.repeat(100)])('finds the row behind the label %j', (label) => {
    expect(marker.rowOf(marker.mark(label, 'org_a', row), 'org_a')).toBe(row);
  });

  test('refuses the marker of another organization', () => {
    expect(marker.rowOf(marker.mark('CI', 'org_a', row), 'org_b')).toBeUndefined();
  });

  test('refuses the marker of another installation', () => {
    const other = makeMarker(Buffer.alloc(32, 2));
    expect(marker.rowOf(other.mark('CI', 'org_a', row), 'org_a')).toBeUndefined();
  });

  test.each(['CI', `CI [lk:${row}]`, `CI [lk:${row}:000000000000]`, `CI [lk:x:000000000000]`, ''])(
    'finds no row in %j',
    (name) => {
      expect(marker.rowOf(name, 'org_a')).toBeUndefined();
    },
  );

  test('reads the last marker only, so that a label cannot claim another row', () => {
    const mine = ulid(new Date());
    const label = marker.mark('stolen', 'org_a', row);
    expect(marker.rowOf(marker.mark(label, 'org_a', mine), 'org_a')).toBe(mine);
  });

  test('reads markers of earlier secrets and writes those of the current one', () => {
    const next = makeMarker(Buffer.alloc(32, 3), Buffer.alloc(32, 2), Buffer.alloc(32, 1));
    expect(next.rowOf(marker.mark('CI', 'org_a', row), 'org_a')).toBe(row);
    expect(makeMarker(Buffer.alloc(32, 3)).rowOf(next.mark('CI', 'org_a', row), 'org_a')).toBe(row);
    expect(makeMarker(Buffer.alloc(32, 3), Buffer.alloc(32, 2)).rowOf(marker.mark('CI', 'org_a', row), 'org_a')).toBe(
      undefined,
    );
  });
});
