import { WorkOS } from '@workos-inc/node';
import { DEMO, demoSeed } from '../../src/emulator/demo.ts';
import type { Emulator, EmulatorOptions } from '../../src/emulator/emulator.ts';
import type { Seed } from '../../src/emulator/seed.ts';
import { startEmulator } from '../../src/emulator/emulator.ts';
import { profileNamed } from '../../src/emulator/profile/profile.ts';
import { expectContract, readLeniently } from './contract.ts';

// oxlint-disable-next-line typescript/no-explicit-any -- tests look into answers of many shapes and assert on what they find.
export type Json = any;
export type Answer = { status: number; body: Json; text: string; headers: Headers };
type CallOptions = {
  body?: unknown;
  form?: Record<string, string>;
  headers?: Record<string, string>;
  key?: string | null;
};

/** How the local WorkOS of the tests behaves; CI runs those of it under `strict`, too. */
export const PROFILE = profileNamed(process.env['LOCAL_WORKOS_PROFILE']);
export const PASSWORD = DEMO.password;
export const COOKIE_PASSWORD = 'a cookie password of 32 characters';

export const startDemo = (options: Partial<EmulatorOptions> = {}): Promise<Emulator> =>
  startEmulator({ port: 0, stateFile: ':memory:', seed: demoSeed, profile: PROFILE, ...options });

/** One request with the environment's secret (`key: null` for none); its answer is held against the contract. */
export async function call(
  emulator: Emulator,
  method: string,
  path: string,
  options: CallOptions = {},
): Promise<Answer> {
  const { body, form, key = emulator.apiKey } = options;
  const url = `${emulator.url}${path}`;
  const response = await fetch(url, {
    method,
    redirect: 'manual',
    headers: {
      ...(key !== null && { authorization: `Bearer ${key}` }),
      ...(body !== undefined && { 'content-type': 'application/json' }),
      ...options.headers,
    },
    ...(body !== undefined && { body: typeof body === 'string' ? body : JSON.stringify(body) }),
    ...(form && { body: new URLSearchParams(form) }),
  });
  const text = readLeniently(await response.text());
  expectContract({ method, url, status: response.status, headers: response.headers, text });
  const isJson = response.headers.get('content-type')?.startsWith('application/json') && text !== '';
  return { status: response.status, body: isJson ? JSON.parse(text) : undefined, text, headers: response.headers };
}

/** The official SDK, without its retries; each of its answers is held against the contract, too. */
export function sdk(emulator: Emulator, options: { apiKey?: string; maxRetries?: number } = {}): WorkOS {
  const { hostname, port } = new URL(emulator.url);
  return new WorkOS({
    apiKey: options.apiKey ?? emulator.apiKey,
    clientId: emulator.clientId,
    apiHostname: hostname,
    port: Number(port),
    https: false,
    maxRetries: options.maxRetries ?? 0,
    timeout: 2_000,
    fetchFn: checkedFetch,
  });
}

const checkedFetch: typeof fetch = async (input, init) => {
  const request = new Request(input, init);
  const response = await fetch(request);
  const text = await response.clone().text();
  expectContract({
    method: request.method,
    url: request.url,
    status: response.status,
    headers: response.headers,
    text,
  });
  return response;
};

export const createKey = async (
  emulator: Emulator,
  fields: object = {},
  organizationId = 'org_acme',
): Promise<Json> => {
  const { body } = await call(emulator, 'POST', `/organizations/${organizationId}/api_keys`, {
    body: { name: 'A key', ...fields },
  });
  return body;
};

export const validate = async (emulator: Emulator, value: string): Promise<Json> =>
  (await call(emulator, 'POST', '/api_keys/validations', { body: { value } })).body.api_key;

export const authenticate = (emulator: Emulator, fields: object): Promise<Answer> =>
  call(emulator, 'POST', '/user_management/authenticate', {
    body: { client_id: emulator.clientId, client_secret: emulator.apiKey, ...fields },
  });

export const signIn = async (emulator: Emulator, email: string): Promise<Json> =>
  (await authenticate(emulator, { grant_type: 'password', email, password: PASSWORD })).body;

export const machineToken = (emulator: Emulator, form: Record<string, string> = {}): Promise<Answer> =>
  call(emulator, 'POST', '/oauth2/token', {
    key: null,
    form: { grant_type: 'client_credentials', client_id: 'client_ci_acme', client_secret: 'secret_ci_acme', ...form },
  });

/** A clock that stands until it is moved. */
export function steppedClock(start = '2026-06-01T00:00:00.000Z'): { clock: () => Date; forward: (ms: number) => void } {
  let now = new Date(start).getTime();
  return {
    clock: () => new Date(now),
    forward: (ms) => {
      now += ms;
    },
  };
}

/** Someone in two organizations. */
export const TWO_ORGANIZATIONS: Seed = {
  people: [{ id: 'user_twofold', email: 'twofold@acme.test', password: PASSWORD }],
  memberships: [
    { id: 'om_twofold_acme', userId: 'user_twofold', organizationId: 'org_acme', role: 'member' },
    { id: 'om_twofold_globex', userId: 'user_twofold', organizationId: 'org_globex', role: 'owner' },
  ],
};
