import { expect, test } from 'vitest';
import { createKey } from '../support/api.ts';
import { SERVICE_TOKEN, startService } from '../support/service.ts';

const api = {
  base_path: '/api/v2',
  error: { body: { problem: '$code', text: '$message' } },
  errors: {
    credential_suspended: { status: 403, code: 'KEY_PAUSED', message: 'This key is paused.' },
    api_key_suspended: { status: 422, code: 'PAUSED' },
  },
  operations: {
    getSession: { path: '/me', callers: ['user', 'api_key'], response: { workspace: 'organization_id' } },
    suspendApiKey: {
      path: '/keys/{keyId}/pause',
      params: { keyId: 'id' },
      request: { why: 'reason' },
      response: { keyId: 'id', state: 'status', because: 'suspension_reason' },
    },
    resumeApiKey: { path: '/keys/{keyId}/go-on', params: { keyId: 'id' }, response: { keyId: 'id', state: 'status' } },
    rotateApiKey: { path: '/keys/{keyId}/renew', params: { keyId: 'id' }, response: { keyId: 'id' } },
    verifyApiKey: { path: '/verify', request: { token: 'key' }, response: { ok: 'valid', why: 'code' } },
  },
} as const;

const service = await startService({}, { product: { api: structuredClone(api) as never } });

async function send(method: string, path: string, token: string, body?: object) {
  const response = await fetch(`${service.url}/api/v2${path}`, {
    method,
    headers: { authorization: `Bearer ${token}`, ...(body && { 'content-type': 'application/json' }) },
    ...(body && { body: JSON.stringify(body) }),
  });
  return [response.status, await response.json()];
}

test('a product suspends and resumes keys under its own paths, names and codes', async () => {
  const owner = await (await service.organizations.add()).session();
  const { id, value } = await createKey(service, owner);
  const verified = () => send('POST', '/verify', SERVICE_TOKEN, { token: value });
  expect(await verified()).toEqual([200, { ok: true, why: 'valid' }]);
  expect(await send('POST', `/keys/${id}/pause`, owner, { why: 'a drill' })).toEqual([
    200,
    { keyId: id, state: 'suspended', because: 'a drill' },
  ]);
  expect(await verified()).toEqual([200, { ok: false, why: 'suspended' }]);
  expect(await send('GET', '/me', value)).toEqual([403, { problem: 'KEY_PAUSED', text: 'This key is paused.' }]);
  expect(await send('POST', `/keys/${id}/renew`, owner, {})).toEqual([
    422,
    { problem: 'PAUSED', text: 'This key is suspended. Resume it first, or create a new one.' },
  ]);
  expect(await send('POST', `/keys/${id}/go-on`, owner)).toEqual([200, { keyId: id, state: 'active' }]);
  expect(await verified()).toEqual([200, { ok: true, why: 'valid' }]);
});
