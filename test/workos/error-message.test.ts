import { afterAll, afterEach, describe, expect, it } from 'vitest';
import { inspect } from 'node:util';
import { makeMetrics } from '../../src/telemetry/metrics.ts';
import { WorkosFailure } from '../../src/workos/failure.ts';
import { makeSdkGateway } from '../../src/workos/sdk-gateway.ts';
import { startLocalWorkos } from '../support/local-workos.ts';
import { COOKIE_PASSWORD } from '../support/service.ts';

const TAIL = '0123456789abcdef';
const workos = await startLocalWorkos({ seed: {} });
afterAll(() => workos.close());
afterEach(() => workos.faults.clear());

const gateway = makeSdkGateway({
  apiKey: workos.apiKey,
  clientId: workos.clientId,
  cookiePassword: COOKIE_PASSWORD,
  apiUrl: workos.url,
  timeoutMs: 2_000,
  breakerFailures: 100,
  workosCalls: makeMetrics().workosCalls,
});

async function failureFor(body: object): Promise<WorkosFailure> {
  workos.faults.add({ kind: 'status', status: 422, body: body as never, path: '/api_keys/validations' });
  const error: unknown = await gateway.validateKey('presented').catch((thrown: unknown) => thrown);
  expect(error).toBeInstanceOf(WorkosFailure);
  return error as WorkosFailure;
}

describe('the error of a rejected call', () => {
  it.each([`sk_${TAIL}`, `sk_live_${TAIL}`, `wos_api_key_${TAIL}`])(
    'masks %s where WorkOS quotes it, and keeps the words around it',
    async (secret) => {
      const error = await failureFor({
        code: `no_${secret.length}`,
        message: `The value '${secret}' is not valid.`,
        errors: [`bad value ${secret}`, { field: 'value', code: 'invalid', message: `got ${secret}` }],
      });
      const prefix = secret.startsWith('sk_') ? 'sk' : 'wos_api_key';
      expect(error.details).toMatchObject({
        workos: {
          message: `The value '${prefix}_…' is not valid.`,
          errors: [`bad value ${prefix}_…`, `value: invalid: got ${prefix}_…`],
        },
      });
      expect(inspect(error, { depth: 10, showHidden: true })).not.toContain(TAIL);
    },
  );

  it('masks a key in the fields of an OAuth error', async () => {
    const error = await failureFor({ error: `bad sk_${TAIL}`, error_description: `Not sk_${TAIL}.` });
    expect(error.details).toMatchObject({ workos: { code: 'bad sk_…', message: 'Not sk_….' } });
  });
});
