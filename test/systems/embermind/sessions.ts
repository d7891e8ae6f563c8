import { expect } from 'vitest';
import { call, outcome } from '../../support/api.ts';
import type { Behaviour } from '../system.ts';
import { PROFILE, signedIn } from './start.ts';
import type { World } from './start.ts';

const MINUTE_MS = 60_000;

export const SESSIONS: Behaviour<World>[] = [
  {
    section: 'Access token',
    page: 'a person signs in with email and password, and gets a token',
    latchkey:
      '`POST /v1/auth/login` with `email` and `password`: `access_token`, and a `refresh_token`, which the page has not.',
    own: true,
    async check({ company, login }) {
      const acme = await company();
      const { status, body } = await login(acme, 'operator');
      expect([status, body]).toMatchObject([
        200,
        {
          access_token: expect.stringMatching(/^eyJ/),
          refresh_token: expect.any(String),
          organization_id: acme.id,
          user: { id: acme.userId('operator'), email: acme.email('operator') },
        },
      ]);
    },
  },
  {
    section: 'Access token',
    page: 'a person names themselves by email or by a login name',
    latchkey: 'By email alone, as WorkOS has it; a login name is 400 `validation_error`.',
    own: true,
    async check({ send }) {
      const answer = await send('POST', '/v1/auth/login', {}, { loginOrEmail: 'admin', password: 'x' });
      expect(outcome(answer)).toEqual([400, 'validation_error']);
    },
  },
  {
    section: 'Access token',
    page: 'whoever gives a wrong name or password gets no token',
    latchkey: '401 `credential_invalid`, the same for either, so that nobody learns who has an account.',
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
    page: 'the token goes with requests, in x-access-token',
    latchkey: 'On every route of Latchkey that people may use.',
    async check(world) {
      const acme = await world.company();
      const { access_token: token } = await signedIn(world, acme);
      const headers = { 'content-type': 'application/json', 'x-access-token': token };
      expect((await world.send('GET', PROFILE, headers)).status).toBe(200);
      expect((await world.send('GET', '/v1/api-keys', headers)).status).toBe(200);
    },
  },
  {
    section: 'Access token',
    page: 'signing out ends the token',
    latchkey: '`POST /v1/auth/logout`: 401 from the next request on, on every replica; it cannot be refreshed, either.',
    async check(world) {
      const acme = await world.company();
      const { access_token: token, refresh_token } = await signedIn(world, acme);
      const other = await world.service.replica();
      const headers = { 'x-access-token': token };
      expect((await call(other, 'GET', PROFILE, { headers })).status).toBe(200);
      const json = { ...headers, 'content-type': 'application/json' };
      expect((await world.send('POST', '/v1/auth/logout', json)).status).toBe(200);
      expect((await world.send('GET', PROFILE, headers)).status).toBe(401);
      await expect
        .poll(async () => (await call(other, 'GET', PROFILE, { headers })).status, { interval: 1, timeout: 1_000 })
        .toBe(401);
      expect((await world.send('POST', '/v1/auth/refresh', {}, { refresh_token })).status).toBe(401);
    },
  },
];

export const INACTIVITY: Behaviour<World>[] = [
  {
    section: 'Token expiration',
    page: 'a token ends when it was not used for a while; signing in again helps',
    latchkey:
      'After 30 minutes, by the configuration: 401 `credential_expired` with `details.reason` `inactive`. A session that is used goes on, by `POST /v1/auth/refresh`.',
    async check(world) {
      const { company, send, service } = world;
      const acme = await company();
      const used = await signedIn(world, acme);
      const unused = await signedIn(world, acme, 'operator');
      let { access_token: token, refresh_token } = used;
      for (let i = 0; i < 10; i++) {
        service.clock.advance(4 * MINUTE_MS);
        const renewed = await send('POST', '/v1/auth/refresh', {}, { refresh_token });
        expect(outcome(renewed)).toEqual([200, undefined]);
        ({ access_token: token, refresh_token } = renewed.body as unknown as typeof used);
        expect((await send('GET', PROFILE, { 'x-access-token': token })).status).toBe(200);
      }
      const refused = await send('POST', '/v1/auth/refresh', {}, { refresh_token: unused.refresh_token });
      expect(outcome(refused)).toEqual([401, 'credential_expired']);
      expect(refused.body.error.details).toMatchObject({ reason: 'inactive' });
      const again = await signedIn(world, acme, 'operator');
      expect((await send('GET', PROFILE, { 'x-access-token': again.access_token })).status).toBe(200);
    },
  },
  {
    section: 'Token expiration',
    page: 'a program that is refused signs in again, and repeats the request',
    latchkey: "The token's end is a code of its own, `credential_expired`, so that it can tell.",
    own: true,
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
