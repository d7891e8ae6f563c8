import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { call } from '../../support/api.ts';
import { DEPLOY } from '../../deploy/tools.ts';
import { newTrace, startTraced } from './start.ts';

// docs/how-to/trace-requests.md

type Attribute = { key: string; value: { stringValue?: string } };
type Export = {
  resourceSpans: {
    resource: { attributes: Attribute[] };
    scopeSpans: { scope: { name: string }; spans: { traceId: string; name: string }[] }[];
  }[];
};

/** What a collector of OpenTelemetry receives over HTTP. */
const received: Export[] = [];
const collector = createServer((req, res) => {
  let text = '';
  req.setEncoding('utf8').on('data', (part: string) => (text += part));
  req.on('end', () => {
    if (req.url === '/v1/traces') received.push(JSON.parse(text) as Export);
    res.setHeader('content-type', 'application/json').end('{}');
  });
});
await new Promise<void>((resolve) => collector.listen(0, '127.0.0.1', resolve));
afterAll(() => {
  collector.close();
  collector.closeAllConnections();
});

const spans = () =>
  received.flatMap(({ resourceSpans }) =>
    resourceSpans.flatMap(({ resource, scopeSpans }) =>
      scopeSpans.flatMap(({ scope, spans: some }) => some.map((span) => ({ ...span, scope: scope.name, resource }))),
    ),
  );

test('deploy/opentelemetry/tracing.mjs sends sampled requests to a collector, and no others', async () => {
  const endpoint = `http://127.0.0.1:${(collector.address() as AddressInfo).port}`;
  const preload = join(DEPLOY, 'opentelemetry', 'tracing.mjs');
  const service = await startTraced({ OTEL_EXPORTER_OTLP_ENDPOINT: endpoint }, preload);
  const token = await (await service.organizations.add()).session();
  const [sampled, unsampled] = [newTrace({ sampled: true }), newTrace({ sampled: false })];
  for (const headers of [{}, unsampled.headers, sampled.headers])
    await call(service, 'GET', '/v1/organization', { token, headers });
  await expect.poll(() => spans().map(({ name }) => name), { timeout: 10_000 }).toContain('GET /v1/organization');
  expect(new Set(spans().map(({ traceId }) => traceId))).toEqual(new Set([sampled.traceId]));
  const [{ resource, scope } = {}] = spans();
  expect(scope).toBe('latchkey');
  const named = Object.fromEntries(resource!.attributes.map(({ key, value }) => [key, value.stringValue]));
  const { instance } = JSON.parse(service.log().split('\n')[0]!) as { instance: string };
  expect(instance).toContain(hostname());
  expect(named).toMatchObject({ 'service.name': 'latchkey', 'service.instance.id': instance });
});
