import { randomBytes } from 'node:crypto';
import type { Knex } from 'knex';
import { makeAuditChain, sealKeysOf } from '../../src/audit/audit-keys.ts';
import { backgroundSource } from '../../src/audit/audit-event.ts';
import type { AuditEvent } from '../../src/audit/audit-event.ts';
import { makeAuditLog } from '../../src/audit/audit-log.ts';
import type { Break } from '../../src/audit/break.ts';
import { makeSealer } from '../../src/audit/seals/seal.ts';
import { verifyLog } from '../../src/audit/verify-log.ts';
import type { Clock } from '../../src/clock.ts';
import type { Secrets } from '../../src/secrets.ts';

export const someSecret = () => randomBytes(32).toString('hex');

/** An audit log for tests, without announcements. */
export function makeTestAudit(clock: Clock, secrets: Secrets = { secret: someSecret(), previousSecrets: [] }) {
  const chain = makeAuditChain(secrets);
  const sealer = makeSealer(sealKeysOf(secrets));
  return {
    chain,
    sealer,
    ...makeAuditLog({ announce: () => Promise.resolve(), chain, clock }),
    async verify(
      db: Knex,
      organizationId?: string,
      options: { sealPaths?: readonly string[]; exportPaths?: readonly string[]; sealedSince?: Date } = {},
    ) {
      const breaks: Break[] = [];
      const onBreak = (found: Break) => void breaks.push(found);
      const verified = await verifyLog({ db, chain, sealer, organizationId, onBreak, ...options });
      return { ...verified, found: verified.breaks, breaks };
    },
  };
}

/** Creates an audit event with details of every type. */
export function anAuditEvent(organizationId: string, i: number): AuditEvent {
  const details = { z: 1, a: [null, 'ü', { y: true, b: '2026-11-20T00:00:00.000Z' }], n: 1.5, empty: {}, i };
  return {
    ...backgroundSource('system', 'tests'),
    organizationId,
    action: 'api_key.created',
    target: { kind: 'api_key', id: `api_key_${i}` },
    requestId: i % 2 === 0 ? `req_${i}` : undefined,
    ip: '127.0.0.1',
    details,
  };
}
