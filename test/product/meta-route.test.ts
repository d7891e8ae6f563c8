import { describe, expect, test } from 'vitest';
import { readProduct } from '../../src/product/read-product.ts';
import { call } from '../support/api.ts';
import { startService } from '../support/service.ts';

const productOf = (name: string) => readProduct(new URL(`../../examples/systems/${name}.yaml`, import.meta.url));

describe('GET /v1/meta', () => {
  test.each([
    ['embermind', { live: null, test: null, checksum: false, length: null, bare_prefixes: ['sk_', 'wos_api_key_'] }],
    ['evershell', { live: 'sk_live_', test: null, length: null, bare_prefixes: ['sk_', 'wos_api_key_'] }],
    ['memsolus', { live: 'msk_live_', test: 'msk_test_', checksum: true, length: null, bare_prefixes: [] }],
    ['mixus', { live: 'mxs_eval_', test: null, length: 41, bare_prefixes: [] }],
  ])('shows without a credential what keys of %s look like, and where to sign in', async (name, format) => {
    const service = await startService({}, { product: productOf(name) });
    const { status, body } = await call(service, 'GET', '/v1/meta');
    expect([status, body]).toMatchObject([
      200,
      { workos: { api_url: service.workos.url }, key_format: format, version: expect.any(String) },
    ]);
  });
});
