import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { readConfig } from '../../src/app/read-config.ts';
import { makeContainer } from '../../src/app/container.ts';
import { passFaultPoint } from '../../src/process/fault-point.ts';
import type { FaultPoint } from '../../src/process/fault-point.ts';
import { makeRegisterAuditSchemas } from '../../src/webhooks/audit-logs/audit-schemas.ts';
import type { Registered } from '../../src/webhooks/audit-logs/audit-schemas.ts';
import { readProduct } from '../../src/product/read-product.ts';
import { makeLogger } from '../../src/telemetry/logger.ts';
import { makeMetrics } from '../../src/telemetry/metrics.ts';
import { makeSdkGateway } from '../../src/workos/sdk-gateway.ts';
import { environment, startService } from '../support/service.ts';
import type { Service } from '../support/service.ts';

type Endpoint = { name: string; url: string; secrets: string[]; events?: string[] };
type Options = {
  endpoints?: Endpoint[];
  auditForwarding?: boolean;
  /** More of the product's file. */
  more?: object;
  env?: Record<string, string>;
} & Parameters<typeof startService>[1];

const DEFAULT_PRODUCT = new URL('../../config/evershell.yaml', import.meta.url);

const variableOf = (name: string) => `LATCHKEY_NOTICES_SECRET_${name.toUpperCase()}`;

/** The whole service, with endpoints. */
export function startWebhookService({
  endpoints = [],
  auditForwarding = false,
  more = {},
  env = {},
  ...rest
}: Options) {
  const file = productFile(endpoints, auditForwarding, more);
  return startService({ LATCHKEY_CONFIG: file, ...secretsOf(endpoints), ...env }, rest);
}

/** Does what `npm run audit:schemas` does: a strict WorkOS takes no event of an action without a schema. */
export async function registerAuditSchemas({ workos }: Pick<Service, 'workos'>): Promise<Registered[]> {
  const config = readConfig(environment(workos)).workos;
  const gateway = makeSdkGateway({ ...config, workosCalls: makeMetrics().workosCalls });
  const all = [];
  for await (const one of makeRegisterAuditSchemas(gateway)()) all.push(one);
  return all;
}

/** Another process on the same database, whose loops a test steps; it answers no requests. */
export function secondProcess(
  { db, workos, clock }: Pick<Service, 'db' | 'workos' | 'clock'>,
  endpoints: readonly Endpoint[],
  more: object = {},
  at: FaultPoint = passFaultPoint,
): Pick<Service, 'background'> {
  const { background } = makeContainer({
    config: readConfig({ ...environment(workos), ...secretsOf(endpoints) }),
    product: readProduct(productFile(endpoints, false, more)),
    db,
    log: makeLogger({ level: 'silent', pretty: false }),
    clock,
    at,
    alone: true,
  });
  return { background };
}

function productFile(endpoints: readonly Endpoint[], auditForwarding: boolean, more: object): string {
  const folder = mkdtempSync(join(tmpdir(), 'latchkey-webhooks-'));
  process.once('exit', () => rmSync(folder, { recursive: true, force: true }));
  const file = join(folder, 'product.yaml');
  const webhooks = {
    endpoints: endpoints.map(({ name, url, events }) => ({ name, url, events, secret_env: variableOf(name) })),
    audit_forwarding: auditForwarding,
  };
  const lines = Object.entries({ webhooks, ...more }).map(([name, value]) => `${name}: ${JSON.stringify(value)}\n`);
  writeFileSync(file, `${readFileSync(DEFAULT_PRODUCT, 'utf8')}\n${lines.join('')}`);
  return file;
}

function secretsOf(endpoints: readonly Endpoint[]): Record<string, string> {
  return Object.fromEntries(endpoints.map(({ name, secrets }) => [variableOf(name), secrets.join(',')]));
}

export const deliver = ({ background }: Pick<Service, 'background'>, endpoint = 'crm') =>
  background.runOnce(`deliver_notices_${endpoint}`);

export const outboxOf = ({ db }: Pick<Service, 'db'>, organizationId: string) =>
  db('outbox').where({ organization_id: organizationId }).orderBy('sequence');
