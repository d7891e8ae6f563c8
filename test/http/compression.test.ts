import { describe, expect, test } from 'vitest';
import { call, createKey } from '../support/api.ts';
import { startService } from '../support/service.ts';

const service = await startService();
const { session } = await service.organizations.add();
const token = await session();
for (let i = 0; i < 4; i++) await createKey(service, token, { label: 'x'.repeat(90) });

const list = (headers: Record<string, string>) => call(service, 'GET', '/v1/api-keys', { token, headers });
const lengthOf = ({ headers }: { headers: Headers }) => Number(headers.get('content-length'));

describe('a long answer of the API', () => {
  test('is compressed for a client that takes it, and says the same', async () => {
    const [packed, plain] = [
      await list({ 'accept-encoding': 'gzip, br' }),
      await list({ 'accept-encoding': 'identity' }),
    ];
    expect(packed.headers.get('content-encoding')).toBe('gzip');
    expect(plain.headers.get('content-encoding')).toBeNull();
    expect(packed.body).toEqual(plain.body);
    expect(lengthOf(packed)).toBeLessThan(lengthOf(plain) / 2);
    for (const { headers } of [packed, plain]) {
      expect(headers.get('vary')).toContain('accept-encoding');
      expect(headers.get('content-type')).toBe('application/json; charset=utf-8');
    }
  });

  test('is not compressed for a client that refuses it', async () => {
    expect((await list({ 'accept-encoding': 'gzip;q=0' })).headers.get('content-encoding')).toBeNull();
  });
});

describe('other answers', () => {
  test('are not compressed while they are short', async () => {
    const { headers } = await call(service, 'GET', '/v1/organization', { token });
    expect(headers.get('content-encoding')).toBeNull();
  });

  test('are not compressed with a secret in them', async () => {
    const body = {
      label: 'secret',
      permission_set: 'read_only',
      description: 'x'.repeat(300),
      metadata: longMetadata(),
    };
    const { status, headers } = await call(service, 'POST', '/v1/api-keys', { token, body });
    expect([status, headers.get('content-encoding')]).toEqual([201, null]);
    expect(lengthOf({ headers })).toBeGreaterThan(2_000);
  });
});

const longMetadata = () => Object.fromEntries(Array.from({ length: 10 }, (_, i) => [`name_${i}`, 'x'.repeat(200)]));
