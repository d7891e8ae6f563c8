import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import type { Emulator } from '../../src/emulator/emulator.ts';
import { profileNamed } from '../../src/emulator/profile/profile.ts';
import { PROFILE_NAMES } from '../../src/emulator/profile/profiles.ts';
import { SIGN_IN_REFUSALS } from '../../src/emulator/profile/sign-in-refusals.ts';
import { DEMO } from '../../src/emulator/demo.ts';
import { PASSWORD, TWO_ORGANIZATIONS, authenticate, call, createKey, signIn, startDemo } from './harness.ts';
import type { Json } from './harness.ts';

let emulator: Emulator;
beforeAll(async () => {
  emulator = await startDemo({ profile: 'default' });
});
afterEach(() => emulator.behave({ profile: 'default' }));
afterAll(() => emulator.close());

const claims = (token: string): Json => JSON.parse(Buffer.from(token.split('.')[1]!, 'base64url').toString());
const raw = async (path: string): Promise<string> =>
  (await fetch(`${emulator.url}${path}`, { headers: { authorization: `Bearer ${emulator.apiKey}` } })).text();
const idsOfUmbrella = async (): Promise<string[]> =>
  JSON.parse(await raw('/events?organization_id=org_umbrella')).data.map(({ data }: Json) => data.id);
const owner = DEMO.email('acme', 'owner');

describe('the profile', () => {
  it('is shown and changed by its control route, by switch or by name', async () => {
    const put = (body: object) => call(emulator, 'POST', '/_emulator/profile', { body });
    expect((await call(emulator, 'GET', '/_emulator/profile')).body).toMatchObject({
      profile: 'default',
      timestamps: 'iso',
    });
    expect((await put({ timestamps: 'plain' })).body).toMatchObject({ profile: 'default', timestamps: 'plain' });
    expect((await put({ profile: 'strict', key_name_max: 7 })).body).toMatchObject({
      profile: 'strict',
      profiles: PROFILE_NAMES,
      timestamps: 'plain',
      audit_schemas: 'required',
      key_name_max: 7,
    });
    expect((await put({ profile: 'default' })).body).toMatchObject({ timestamps: 'iso', key_name_max: 255 });
  });

  it.each([{ profile: 'nobody' }, { surprise: 1 }, { sign_in_refusal: 'because' }, { cookie_name: 'a;b' }])(
    'refuses %j and stays as it was',
    async (body) => {
      expect((await call(emulator, 'POST', '/_emulator/profile', { body })).status).toBe(422);
      expect((await call(emulator, 'GET', '/_emulator/profile')).body).toMatchObject({ profile: 'default' });
    },
  );

  it('is read by name, and an unknown name is refused', () => {
    expect([profileNamed(undefined), profileNamed(''), profileNamed('strict')]).toEqual([
      'default',
      'default',
      'strict',
    ]);
    expect(() => profileNamed('nobody')).toThrow(/LOCAL_WORKOS_PROFILE needs one of default, strict, /);
  });
});

describe('answers', () => {
  it('write timestamps in the form of the profile, also in events', async () => {
    await createKey(emulator, {}, 'org_hooli');
    const paths = ['/organizations/org_hooli', '/events?organization_id=org_hooli'];
    for (const [form, pattern] of [
      ['iso', /"created_at":"\d{4}-\d\d-\d\dT[\d:.]+Z"/],
      ['plain', /"created_at":"\d{4}-\d\d-\d\d [\d:]+\.\d{3}"/],
      ['words', /"created_at":"\w{3}, \d+ \w{3} \d{4} [\d:]+"/],
    ] as const) {
      emulator.behave({ timestamps: form });
      for (const path of paths) expect(await raw(path)).toMatch(pattern);
    }
  });

  it('have unknown fields and owner kinds, and no optional fields', async () => {
    const { id } = await createKey(emulator, {}, 'org_initech');
    emulator.behave({ unknown_fields: true, owner_kind: 'agent_registration', organization_names: false });
    const keys = await raw('/organizations/org_initech/api_keys');
    expect(JSON.parse(keys).data[0].owner).toEqual({
      type: 'agent_registration',
      id: id.replace('api_key', 'agent_registration'),
      organization_id: 'org_initech',
    });
    expect(keys).toContain('"_of_tomorrow"');
    const memberships = await raw('/user_management/organization_memberships?organization_id=org_initech');
    expect(memberships).not.toContain('organization_name');
  });

  it('are 429 beyond the limit, with and without Retry-After', async () => {
    emulator.behave({ rate_limit: { requests: 2, window_ms: 60_000, retry_after: true } });
    const statuses = [];
    for (let i = 0; i < 3; i++) statuses.push((await fetch(`${emulator.url}/organizations`, withKey(emulator))).status);
    expect(statuses).toEqual([200, 200, 429]);
    const told = await fetch(`${emulator.url}/organizations`, withKey(emulator));
    expect(Number(told.headers.get('retry-after'))).toBeGreaterThan(0);
    emulator.behave({ rate_limit: { requests: 2, window_ms: 60_000, retry_after: false } });
    expect((await fetch(`${emulator.url}/organizations`, withKey(emulator))).headers.get('retry-after')).toBeNull();
  });
});

describe('sessions', () => {
  it.each([
    [{ issuer_form: 'bare' }, ''],
    [{ issuer_form: 'slash' }, '/'],
    [{ issuer_form: 'sso' }, '/sso/client_latchkey'],
    [{ issuer_form: 'user_management' }, '/user_management/client_latchkey'],
  ] as const)('name their issuer by %j', async (change, behind) => {
    emulator.behave(change);
    expect(claims((await signIn(emulator, owner)).access_token).iss).toBe(`${emulator.url}${behind}`);
    emulator.behave({ issuer_url: 'https://auth.example.com/' });
    expect(claims((await signIn(emulator, owner)).access_token).iss).toBe(`https://auth.example.com${behind}`);
  });

  it.each([...SIGN_IN_REFUSALS.keys()])('are refused with %s, in a form that the specification has', async (code) => {
    emulator.seed(TWO_ORGANIZATIONS);
    emulator.behave({ sign_in_refusal: code });
    const proof = { grant_type: 'password', email: owner, password: PASSWORD };
    const answer = await authenticate(emulator, proof);
    expect(answer.status).toBe(SIGN_IN_REFUSALS.get(code)!.status);
    const wrong = await authenticate(emulator, { ...proof, password: 'wrong' });
    expect(wrong.body.code).toBe('invalid_credentials');
  });

  it('come in one cookie, or in parts of one', async () => {
    emulator.behave({ cookie_name: 'wos-session', cookie_part_bytes: 64 });
    const sealed = `Fe26.2*${'x'.repeat(130)}~2`;
    const { body } = await call(emulator, 'POST', '/_emulator/session_cookie', { body: { sealed_session: sealed } });
    expect(body.cookies.map(({ name }: Json) => name)).toEqual(['wos-session.0', 'wos-session.1', 'wos-session.2']);
    expect(decodeURIComponent(body.cookies.map(({ value }: Json) => value).join(''))).toBe(sealed);
    expect(emulator.sessionCookie(sealed)).toBe(body.header);
    emulator.behave({ profile: 'default' });
    expect(emulator.sessionCookie('x')).toBe('wos_session=x');
  });

  it('grow with the record of their person', async () => {
    emulator.behave({ user_padding_bytes: 1_000 });
    const { user } = await signIn(emulator, owner);
    expect(Object.values<string>(user.metadata).join('')).toHaveLength(1_000);
  });
});

describe('keys', () => {
  it('have the prefix, name length and permissions of the profile', async () => {
    emulator.behave({ key_prefix: 'wos_api_key_', key_name_max: 5, refused_permissions: ['audit:read'] });
    expect((await createKey(emulator, { name: 'short' })).value).toMatch(/^wos_api_key_\w+$/);
    const create = (body: object) => call(emulator, 'POST', '/organizations/org_acme/api_keys', { body });
    expect((await create({ name: 'longer' })).status).toBe(422);
    expect((await create({ name: 'short', permissions: ['audit:read'] })).body.errors[0].field).toBe('permissions');
    expect((await create({ name: 'short', permissions: ['apikeys:read'] })).status).toBe(201);
  });

  it('are created twice by the same Idempotency-Key where creations are not replayed', async () => {
    const create = async () =>
      (
        await call(emulator, 'POST', '/organizations/org_globex/api_keys', {
          body: { name: 'twice' },
          headers: { 'idempotency-key': 'one' },
        })
      ).body.id;
    emulator.behave({ replays_creates: false });
    expect(await create()).not.toBe(await create());
    emulator.behave({ replays_creates: true });
    expect(await create()).toBe(await create());
  });
});

describe('late events', () => {
  it('appear later at their place, among events that were visible before', async () => {
    emulator.behave({ late_event_every: 2, late_event_ms: 1_000 });
    const made = [];
    for (let i = 0; i < 4; i++) made.push((await createKey(emulator, {}, 'org_umbrella')).id);
    expect(await idsOfUmbrella()).toHaveLength(2);
    await new Promise((resolve) => setTimeout(resolve, 1_050));
    expect(await idsOfUmbrella()).toEqual(made);
  });
});

const withKey = ({ apiKey }: Emulator) => ({ headers: { authorization: `Bearer ${apiKey}` } });
