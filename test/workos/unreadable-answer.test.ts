import { inspect } from 'node:util';
import { afterAll, afterEach, expect, test } from 'vitest';
import type { FaultInput } from '../../src/emulator/faults/faults.ts';
import { makeLogger } from '../../src/telemetry/logger.ts';
import { makeMetrics } from '../../src/telemetry/metrics.ts';
import { WorkosFailure } from '../../src/workos/failure.ts';
import { makeSdkGateway } from '../../src/workos/sdk-gateway.ts';
import { startLocalWorkos } from '../support/local-workos.ts';
import { COOKIE_PASSWORD } from '../support/service.ts';

const workos = await startLocalWorkos({ seed: { organizations: [{ id: 'org_acme', name: 'Acme' }] } });
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

test.each<FaultInput>([
  { kind: 'malformed_json' },
  { kind: 'empty_body' },
  { kind: 'wrong_content_type' },
  { kind: 'charset', charset: 'unknown' },
])('a failure after $kind holds no secret of the new key, nor does its log line', async (fault) => {
  workos.faults.add({ ...fault, path: '/organizations/:id/api_keys' });
  const key = { organizationId: 'org_acme', name: 'a key', permissions: [], expiresAt: undefined };
  const error: unknown = await gateway.createOrganizationKey(key).catch((thrown: unknown) => thrown);
  expect(error).toBeInstanceOf(WorkosFailure);
  expect(error).toMatchObject({ code: 'workos_unavailable', outcome: 'unknown' });
  expect(inspect(error, { depth: 10, showHidden: true })).not.toMatch(SECRET);
  expect(logged(error)).not.toMatch(SECRET);
});

test('a failed validation holds no secret of the presented key', async () => {
  for (const kind of ['malformed_json', 'reset_before', 'html'] as const) {
    workos.faults.add({ kind, path: '/api_keys/validations' });
    const error: unknown = await gateway.validateKey('sk_presented_by_somebody').catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(WorkosFailure);
    expect(inspect(error, { depth: 10, showHidden: true })).not.toMatch(SECRET);
    expect(logged(error)).not.toMatch(SECRET);
  }
});
