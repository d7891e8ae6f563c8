import { afterAll, describe, expect, test } from 'vitest';
import { backgroundSource } from '../../src/audit/audit-event.ts';
import { makeSessionRepository } from '../../src/sessions/session-repository.ts';
import { revokeKeysOf } from '../../src/api-keys/mirror/keys-of-person.ts';
import { freshDatabase } from '../support/database.ts';
import { minute } from '../support/mirror.ts';

const { db, close } = await freshDatabase();
afterAll(close);
const OF = { organization_id: 'org_a', owner_user_id: 'user_a' };

const use = (sessionId: string) => ({ sessionId, userId: 'u', organizationId: 'o', lastActiveAt: minute(0) });
const row = (id: string, at: number) => ({
  ...OF,
  id,
  origin: 'latchkey',
  status: 'provisioning',
  label: id,
  metadata: '{}',
  scopes: [],
  created_by_kind: 'user',
  created_by_id: 'user_a',
  created_at: minute(at),
  updated_at: minute(at),
  due_at: minute(60),
});

describe('revokeKeysOf', () => {
  test('revokes each key begun before the last end of a membership that ended ten times', async () => {
    const begun = Array.from({ length: 11 }, (_, n) => row(`key_${String(n).padStart(2, '0')}`, n * 10 + 5));
    await db('tenants').insert({ organization_id: 'org_a', created_at: minute(0), updated_at: minute(0) });
    await db('api_keys').insert(begun);
    const why = { reason: 'membership_ended', source: backgroundSource('workos', 'workos'), now: minute(200) };
    for (const end of [70, 10, 100, 40, 20, 90, 30, 60, 80, 50])
      await db.transaction((trx) =>
        revokeKeysOf(trx, { organizationId: 'org_a', userId: 'user_a' }, { ...why, madeUntil: minute(end) }),
      );
    const left = await db('api_keys')
      .where({ ...OF, status: 'provisioning' })
      .pluck('id');
    expect(left).toEqual(['key_10']);
  });
});

describe('session activity', () => {
  test('writes the activity of sessions in the order of their ids', async () => {
    const seen: string[][] = [];
    db.on('query', ({ sql, bindings }: { sql: string; bindings: string[][] }) => {
      if (sql.includes('insert into user_sessions')) seen.push(bindings[0]!);
    });
    await makeSessionRepository(db).recordUses([use('session_c'), use('session_a'), use('session_b')]);
    expect(seen).toEqual([['session_a', 'session_b', 'session_c']]);
  });
});
