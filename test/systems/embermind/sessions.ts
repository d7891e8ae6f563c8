import { expect } from 'vitest';
import { call, outcome } from '../../support/api.ts';
import { atWorkos } from '../../support/at-workos.ts';
import type { Behaviour } from '../system.ts';
import { PROFILE, signedIn } from './start.ts';
import type { World } from './start.ts';

const MINUTE_MS = 60_000;

export const SESSIONS: Behaviour<World>[] = [
  {
    section: 'Access token',
    page: 'a person signs in with e-mail address and password, and gets a token',
    latchkey: '`POST /v1/auth/login` with `email` and `password` answers `access_token`, which needs no renewal.',
    standing: 'own',
    async check({ company, login }) {
      const acme = await company();
      const { status, body } = await login(acme, 'operator');
      expect([status, body]).toMatchObject([
        200,
        {
          access_token: expect.stringMatching(/^lkus_/),
          organization_id: acme.id,
          user: { id: acme.userId('operator'), email: acme.email('operator') },
        },
      ]);
    },
  },
  {
    section: 'Access token',
    page: 'a person signs in by e-mail address or by a login name',
    latchkey: 'The login name is the external id of the person at WorkOS. `GET /v1/me/session` shows it as `login`.',
    async check(world) {
      const acme = await world.company();
      const login = `admin-${acme.name}`;
      const person = `/user_management/users/${acme.userId('operator')}`;
      await atWorkos(world.service, 'PUT', person, { external_id: login });
      for (const entered of [login, acme.email('operator')]) {
        const { access_token: token } = await signedIn(world, { email: () => entered });
        const me = await world.send('GET', PROFILE, { 'x-access-token': token });
        expect(me.body).toMatchObject({ user_id: acme.userId('operator'), email: acme.email('operator'), login });
      }
    },
  },
  {
    section: 'Access token',
    page: 'a person with a wrong name or password gets no token',
    latchkey: '401 `credential_invalid`, the same for both, so that the answer does not reveal who has an account.',
    async check({ company, login }) {
      const acme = await company();
      const wrong = await login(acme, 'owner', 'not the password');
      const nobody = await login({ email: () => 'nobody@nowhere.test' });
      expect(outcome(wrong)).toEqual([401, 'credential_invalid']);
      expect(outcome(nobody)).toEqual(outcome(wrong));
      expect(nobody.body.error.message).toBe(wrong.body.error.message);
    },
  },
  {
    section: 'Access token',
    page: 'requests have the token in x-access-token',
    latchkey:
      'Every route of Latchkey that people may use reads it there. So do forward authentication with `?sessions=true`, and the middleware with `sessions`.',
    async check(world) {
      const acme = await world.company();
      const { access_token: token } = await signedIn(world, acme);
      const headers = { 'content-type': 'application/json', 'x-access-token': token };
      expect((await world.send('GET', PROFILE, headers)).status).toBe(200);
      expect((await world.send('GET', '/v1/api-keys', headers)).status).toBe(200);
      expect((await world.send('GET', '/v1/auth/forward?sessions=true', headers)).status).toBe(200);
    },
  },
  {
    section: 'Access token',
    page: 'signing out ends the token',
    latchkey: 'After `POST /v1/auth/logout` every replica answers 401.',
    async check(world) {
      const acme = await world.company();
      const { access_token: token } = await signedIn(world, acme);
      const other = await world.service.replica();
      const headers = { 'x-access-token': token };
      expect((await call(other, 'GET', PROFILE, { headers })).status).toBe(200);
      const json = { ...headers, 'content-type': 'application/json' };
      expect((await world.send('POST', '/v1/auth/logout', json)).status).toBe(200);
      expect((await world.send('GET', PROFILE, headers)).status).toBe(401);
      await expect
        .poll(async () => (await call(other, 'GET', PROFILE, { headers })).status, { interval: 1, timeout: 1_000 })
        .toBe(401);
    },
  },
];

export const INACTIVITY: Behaviour<World>[] = [
  {
    section: 'Token expiration',
    page: 'a token expires when it is unused for a while; the person signs in again',
    latchkey:
      'After 30 minutes without a request, as configured: 401 `credential_expired` with `details.reason` `inactive`. A token in use never ends by itself.',
    async check(world) {
      const { company, send, service } = world;
      const acme = await company();
      const { access_token: used } = await signedIn(world, acme);
      const { access_token: unused } = await signedIn(world, acme, 'operator');
      const request = (token: string) => send('GET', PROFILE, { 'x-access-token': token });
      for (let i = 0; i < 20; i++) {
        service.clock.advance(29 * MINUTE_MS);
        expect((await request(used)).status).toBe(200);
      }
      service.clock.advance(MINUTE_MS);
      const refused = await request(unused);
      expect(outcome(refused)).toEqual([401, 'credential_expired']);
      expect(refused.body.error.details).toMatchObject({ reason: 'inactive' });
      const again = await signedIn(world, acme, 'operator');
      expect((await send('GET', PROFILE, { 'x-access-token': again.access_token })).status).toBe(200);
    },
  },
  {
    section: 'Token expiration',
    page: 'a program whose token has expired signs in again and repeats the request',
    latchkey: 'An expired token has its own code, `credential_expired`, so that the program can recognize it.',
    standing: 'own',
    async check(world) {
      const { company, send, service } = world;
      const acme = await company();
      let { access_token: token } = await signedIn(world, acme);
      const request = () => send('GET', PROFILE, { 'x-access-token': token });
      service.clock.advance(31 * MINUTE_MS);
      let answer = await request();
      expect(outcome(answer)).toEqual([401, 'credential_expired']);
      if (answer.body.error.code === 'credential_expired') ({ access_token: token } = await signedIn(world, acme));
      answer = await request();
      expect(outcome(answer)).toEqual([200, undefined]);
    },
  },
];
