import { inspect } from 'node:util';
import { afterAll, afterEach, expect, test } from 'vitest';
import { startEmulator } from '../../src/emulator/emulator.ts';
import { makeLogger } from '../../src/telemetry/logger.ts';
import { makeMetrics } from '../../src/telemetry/metrics.ts';
import { WorkosFailure } from '../../src/workos/failure.ts';
import { makeSdkGateway } from '../../src/workos/sdk-gateway.ts';
import { COOKIE_PASSWORD } from '../support/service.ts';

const workos = await startEmulator({
  port: 0,
  stateFile: ':memory:',
  seed: { organizations: [{ id: 'org_acme', name: 'Acme' }] },
});
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

const SECRET = /sk_\w{8}/;

function logged(error: unknown): string {
  const lines: string[] = [];
  makeLogger({ level: 'info', pretty: false, destination: { write: (line) => void lines.push(line) } }).warn(
    { err: error },
    'a failure',
  );
  return lines.join('');
}

test.each(['malformed_json', 'empty_body', 'wrong_content_type'] as const)(
  'a new key in an answer with %s is nowhere in the failure, nor in a line that logs it',
  async (kind) => {
    workos.faults.add({ kind, path: '/organizations/:id/api_keys' });
    const key = { organizationId: 'org_acme', name: 'a key', permissions: [], expiresAt: undefined };
    const error: unknown = await gateway.createOrganizationKey(key).catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(WorkosFailure);
    expect(error).toMatchObject({ code: 'workos_unavailable', outcome: 'unknown' });
    expect(inspect(error, { depth: 10, showHidden: true })).not.toMatch(SECRET);
    expect(logged(error)).not.toMatch(SECRET);
  },
);

test('a key that WorkOS is asked about is nowhere in the failure to ask', async () => {
  for (const kind of ['malformed_json', 'reset_before', 'html'] as const) {
    workos.faults.add({ kind, path: '/api_keys/validations' });
    const error: unknown = await gateway.validateKey('sk_presented_by_somebody').catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(WorkosFailure);
    expect(inspect(error, { depth: 10, showHidden: true })).not.toMatch(SECRET);
    expect(logged(error)).not.toMatch(SECRET);
  }
});
