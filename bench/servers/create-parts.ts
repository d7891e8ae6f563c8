import { randomBytes } from 'node:crypto';
import { createServer } from 'node:http';
import { WorkOS } from '@workos-inc/node';
import { makeAuditLog } from '../../src/audit/audit-log.ts';
import { makeChain } from '../../src/audit/chain.ts';
import { makeBillingGate } from '../../src/billing/gate.ts';
import { makePolicy } from '../../src/tenants/posture.ts';
import { makeTenantRepository } from '../../src/tenants/tenant-repository.ts';
import { systemClock } from '../../src/clock.ts';
import { connectDatabase } from '../../src/db/connect.ts';
import { connectEmbedded } from '../../src/db/connect-embedded.ts';
import { migrate } from '../../src/db/migrations.ts';
import { ulid } from '../../src/ids.ts';
import { UNSET } from '../../src/api-keys/key.ts';
import { makeKeyRepository } from '../../src/api-keys/rows/key-repository.ts';
import { policyRulesOf } from '../../src/product/billing-rules.ts';
import { ENVIRONMENT, PERMISSIONS, tenants } from '../tenants.ts';

/**
 * The parts of a create, each alone and one at a time: the call to WorkOS through its official SDK, and the two
 * transactions with the same statements. `GET /?milliseconds=` measures both for about that long.
 */
const clock = systemClock;
const url = process.env['DATABASE_URL'];
const db =
  url === undefined ? (await connectEmbedded({ dataDir: 'memory://' })).db : connectDatabase({ url, poolMax: 1 });
if (url === undefined) {
  await migrate(db);
  const now = clock();
  await db('tenants').insert(
    tenants.map(({ organizationId }) => ({
      organization_id: organizationId,
      billing_status: 'active',
      created_at: now,
      updated_at: now,
    })),
  );
}
const PLAN = {
  name: 'bench',
  keyLimit: 1_000_000,
  rate: undefined,
  maxRate: undefined,
  concurrency: undefined,
  environment: 'live' as const,
  ownerUserId: undefined,
  ipAllowList: [],
  maxConcurrency: undefined,
  organizationRate: undefined,
};
const keys = makeKeyRepository(db);
const audit = makeAuditLog({ announce: () => Promise.resolve(), chain: makeChain([randomBytes(32)]), clock });
const policy = makePolicy(policyRulesOf({ grace_days: {}, postures: {} }));
const gate = makeBillingGate({ tenants: makeTenantRepository(db), policy, planOf: () => PLAN, clock });
const workosUrl = new URL(process.env['WORKOS_API_URL']!);
const workos = new WorkOS({
  ...ENVIRONMENT,
  apiHostname: workosUrl.hostname,
  port: Number(workosUrl.port),
  https: false,
  maxRetries: 0,
});

async function callWorkos(organizationId: string): Promise<void> {
  const name = `bench [lk:${ulid(clock())}:000000000000]`;
  await workos.post(`/organizations/${organizationId}/api_keys`, { name, permissions: PERMISSIONS });
}

async function twoTransactions(organizationId: string): Promise<void> {
  const actor = { kind: 'machine' as const, id: 'bench' };
  const key = {
    organizationId,
    rowId: ulid(clock()),
    ...UNSET,
    label: 'bench',
    permissionSet: 'read_only',
    scopes: PERMISSIONS,
    expiresAt: undefined,
    environment: 'live' as const,
    ownerUserId: undefined,
    rotatedFrom: undefined,
    createdBy: actor,
    createdAt: clock(),
    dueAt: new Date(clock().getTime() + 60_000),
  };
  await db.transaction(async (trx) => {
    await gate.admitKeyAnd(trx, organizationId, () => keys.countTowardsQuota(trx, organizationId, key, clock()));
    await keys.insertProvisioning(trx, key);
  });
  await db.transaction(async (trx) => {
    const workosId = `api_key_${key.rowId}`;
    const issued = { workosId, prefix: 'sk_...0000', secretHash: randomBytes(32), hmacKeyId: '00000000' };
    await keys.activate(trx, key, issued, key, clock(), audit.afterwards);
    const details = { label: key.label, permission_set: key.permissionSet, scopes: key.scopes, expires_at: null };
    const target = { kind: 'api_key' as const, id: workosId };
    await audit.append(trx, {
      organizationId,
      action: 'api_key.created',
      actor,
      target,
      requestId: 'req',
      ip: '127.0.0.1',
      details,
    });
  });
}

async function measure(milliseconds: number, work: (organizationId: string) => Promise<void>): Promise<number[]> {
  const times: number[] = [];
  const end = performance.now() + milliseconds;
  for (let i = 0; performance.now() < end; i++) {
    const start = performance.now();
    await work(tenants[i % tenants.length]!.organizationId);
    times.push(performance.now() - start);
  }
  return times;
}

async function answer(url: string): Promise<string> {
  const milliseconds = Number(new URL(url, 'http://bench').searchParams.get('milliseconds') ?? 0) / 2;
  const workosMs = await measure(milliseconds, callWorkos);
  const transactionsMs = await measure(milliseconds, twoTransactions);
  return JSON.stringify({ workosMs, transactionsMs });
}

createServer((req, res) => {
  answer(req.url ?? '').then(
    (text) => res.setHeader('content-type', 'application/json').end(text),
    (error: unknown) => res.destroy(error as Error),
  );
}).listen(Number(process.env['PORT']), '127.0.0.1');
