import { expect, test } from 'vitest';
import { outcome } from '../../support/api.ts';
import { FACTS_MS, OK, REFRESH, UNAVAILABLE, signedIn, startOpaque } from './opaque.ts';

const service = await startOpaque({ WORKOS_TIMEOUT_MS: '1000' });
const { faults } = service.workos;
/** Longer than any claim of a replica that died. */
const CLAIM_MS = 10_000;

test('a replica that dies between the answer of WorkOS and its own commit leaves a session that goes on', async () => {
  const person = await signedIn(service);
  service.clock.advance(FACTS_MS);
  await service.db.raw(`
    create function die() returns trigger language plpgsql as $$ begin raise exception 'died'; end $$;
    create trigger die before update on session_tokens for each row when (old.renewing_until is not null)
      execute function die();
  `);
  expect(outcome(await person.ask())[0]).toBe(500);
  await service.db.raw('drop trigger die on session_tokens; drop function die()');
  expect(await person.row()).toMatchObject({ renewing_until: expect.any(Date), sealed_refresh: expect.any(Buffer) });
  // The dead replica's claim stands until it ends.
  expect(await person.outcomeAt()).toEqual(UNAVAILABLE);
  service.clock.advance(CLAIM_MS);
  expect(await person.outcomeAt()).toEqual(OK);
  expect(await person.row()).toMatchObject({ sealed_refresh: null, lost_at: expect.any(Date) });
});

test('a renewal that WorkOS never received is made again with the same refresh token', async () => {
  const person = await signedIn(service);
  service.clock.advance(FACTS_MS);
  faults.add({ kind: 'hang', ...REFRESH });
  expect(await person.outcomeAt()).toEqual(UNAVAILABLE);
  faults.clear();
  expect(await person.outcomeAt()).toEqual(OK);
  expect((await person.row()).lost_at).toBeNull();
});
