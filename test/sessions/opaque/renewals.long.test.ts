import { afterEach, describe, expect, test } from 'vitest';
import { atWorkos } from '../../support/at-workos.ts';
import { call, outcome } from '../../support/api.ts';
import { takeWorkosDown } from '../../support/workos-faults.ts';
import { logout } from '../sign-in/sign-in.ts';
import { FACTS_MS, MINUTE_MS, OK, OVER, REFRESH, UNAVAILABLE, callsAt, signedIn, startOpaque } from './opaque.ts';

const service = await startOpaque();
const { faults } = service.workos;
const HOUR_MS = 60 * MINUTE_MS;

afterEach(() => faults.clear());

describe('a renewal', () => {
  test('is made once for all requests of all replicas', async () => {
    const replicas = [service, await service.replica(), await service.replica()];
    const person = await signedIn(service);
    for (let round = 0; round < 2; round++) {
      service.clock.advance(FACTS_MS);
      const before = callsAt(service);
      faults.add({ kind: 'latency', ms: 50, ...REFRESH });
      const asked = Array.from({ length: 12 }, (_, i) => person.outcomeAt(replicas[i % 3]));
      for (const answer of await Promise.all(asked)) expect(answer).toEqual(OK);
      expect(callsAt(service) - before).toBe(1);
      faults.clear();
    }
  });

  test('is made in the last minute of the facts, while other requests go on', async () => {
    const person = await signedIn(service);
    service.clock.advance(3 * MINUTE_MS);
    const before = callsAt(service);
    expect(await person.outcomeAt()).toEqual(OK);
    expect(callsAt(service)).toBe(before);
    service.clock.advance(MINUTE_MS + 5_000);
    faults.add({ kind: 'latency', ms: 600, ...REFRESH });
    const renewing = person.outcomeAt();
    await expect.poll(() => callsAt(service), { interval: 5 }).toBe(before + 1);
    const other = person.outcomeAt().then((answer) => ['other', answer]);
    expect(await Promise.race([renewing, other])).toEqual(['other', OK]);
    expect(await renewing).toEqual(OK);
  });

  test('that WorkOS cannot answer changes nothing until the facts end; then it is 503, and no session is over', async () => {
    const person = await signedIn(service);
    takeWorkosDown(service);
    service.clock.advance(4 * MINUTE_MS + 5_000);
    expect(await person.outcomeAt()).toEqual(OK);
    service.clock.advance(MINUTE_MS);
    const refused = await person.ask();
    expect([outcome(refused), refused.headers.get('retry-after')]).toEqual([UNAVAILABLE, expect.any(String)]);
    // Requests that are refused so are uses all the same.
    for (let i = 0; i < 3; i++) {
      service.clock.advance(20 * MINUTE_MS);
      expect(await person.outcomeAt()).toEqual(UNAVAILABLE);
    }
    faults.clear();
    expect(await person.outcomeAt()).toEqual(OK);
    expect((await person.row()).lost_at).toBeNull();
  });

  test('that is refused for a fault of our configuration is 503, and ends no session', async () => {
    const person = await signedIn(service);
    service.clock.advance(FACTS_MS);
    for (const body of [{ error: 'invalid_client', error_description: 'x' }, { message: 'Unauthorized' }]) {
      faults.add({ kind: 'status', status: 'error' in body ? 400 : 401, body, ...REFRESH });
      expect(await person.outcomeAt()).toEqual(UNAVAILABLE);
    }
    expect(await person.outcomeAt()).toEqual(OK);
  });

  test('of a person who needs a further step at WorkOS ends the session', async () => {
    const person = await signedIn(service);
    service.clock.advance(FACTS_MS);
    faults.add({ kind: 'status', status: 403, body: { code: 'mfa_challenge', message: 'x' }, ...REFRESH });
    const refused = await person.ask();
    expect([outcome(refused), refused.body.error.details]).toMatchObject([OVER, { reason: 'refused' }]);
    expect(await person.outcomeAt()).toEqual(OVER);
  });
});

describe('a renewal whose answer is lost', () => {
  type Lost = 'reset_after' | 'empty_body';
  const lose = async (person: Awaited<ReturnType<typeof signedIn>>, kind: Lost = 'reset_after') => {
    service.clock.advance(FACTS_MS);
    faults.add({ kind, ...REFRESH });
    expect(await person.outcomeAt()).toEqual(UNAVAILABLE);
    faults.clear();
  };

  test.each<Lost>(['reset_after', 'empty_body'])('goes on with facts that the API key reads (%s)', async (kind) => {
    const person = await signedIn(service);
    await lose(person, kind);
    expect(await person.outcomeAt()).toEqual(OK);
    expect(await person.row()).toMatchObject({ sealed_refresh: null, lost_at: expect.any(Date), role: 'owner' });
    const me = await call(service, 'GET', '/v1/me/session', { token: person.token });
    const other = await call(service, 'GET', '/v1/me/session', { token: (await signedIn(service)).token });
    expect(me.body['permissions']).toEqual(other.body['permissions']);
    for (let i = 0; i < 5; i++) {
      service.clock.advance(25 * MINUTE_MS);
      expect(await person.outcomeAt()).toEqual(OK);
    }
  });

  test('leaves a session that signs out, ends by inactivity, and is over after twelve hours', async () => {
    const [one, unused, long] = [await signedIn(service), await signedIn(service), await signedIn(service)];
    for (const person of [one, unused, long]) {
      await lose(person);
      expect(await person.outcomeAt()).toEqual(OK);
    }
    expect((await logout(service, one.token)).status).toBe(200);
    expect(await one.outcomeAt()).toEqual(OVER);
    service.clock.advance(25 * MINUTE_MS);
    expect(await long.outcomeAt()).toEqual(OK);
    const hours = (count: number) => new Date(service.clock().getTime() - count * HOUR_MS);
    await service
      .db('session_tokens')
      .where({ user_id: long.userId })
      .update({ lost_at: hours(11) });
    service.clock.advance(FACTS_MS);
    expect([await long.outcomeAt(), await unused.outcomeAt()]).toEqual([OK, OVER]);
    await service
      .db('session_tokens')
      .where({ user_id: long.userId })
      .update({ lost_at: hours(12) });
    service.clock.advance(FACTS_MS);
    const refused = await long.ask();
    expect([outcome(refused), refused.body.error.details]).toMatchObject([OVER, { reason: 'refused' }]);
  });

  test('leaves a session that ends when its person is no member any more', async () => {
    const person = await signedIn(service);
    await lose(person);
    expect(await person.outcomeAt()).toEqual(OK);
    const path = '/user_management/organization_memberships';
    type Memberships = { data: { id: string }[] };
    const { data } = await atWorkos<Memberships>(service, 'GET', `${path}?user_id=${person.userId}`);
    await atWorkos(service, 'DELETE', `${path}/${data[0]!.id}`);
    service.clock.advance(FACTS_MS);
    expect(await person.outcomeAt()).toEqual(OVER);
  });
});

test('a session that signs out during its renewal stays over everywhere, and gets no refresh token back', async () => {
  const person = await signedIn(service);
  const [one, other] = [await service.replica(), await service.replica()];
  service.clock.advance(4 * MINUTE_MS + 5_000);
  faults.add({ kind: 'latency', ms: 150, ...REFRESH });
  const before = callsAt(service);
  const renewing = person.ask(one);
  await expect.poll(() => callsAt(service)).toBe(before + 1);
  expect((await logout(other, person.token)).status).toBe(200);
  await renewing;
  for (const at of [one, other])
    await expect.poll(() => person.outcomeAt(at), { interval: 1, timeout: 1_000 }).toEqual(OVER);
  expect(await person.row()).toMatchObject({ sealed_refresh: null, renewing_until: null, lost_at: null });
});
