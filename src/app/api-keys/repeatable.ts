import { makeRunOnce } from '../../idempotency/run-once.ts';
import type { RunOnce } from '../../idempotency/run-once.ts';
import { makeRecordSecrets } from '../../idempotency/record-secrets.ts';
import type { Platform } from '../platform.ts';

type Deps = Pick<Platform, 'config' | 'db' | 'idempotency' | 'unsettled' | 'settleAfterMs' | 'clock'>;

/** Makes what runs a request once for its `Idempotency-Key`. */
export function makeRepeatable({ config, db, idempotency, unsettled, settleAfterMs, clock }: Deps): RunOnce {
  return makeRunOnce({
    db,
    records: idempotency,
    secrets: makeRecordSecrets(config),
    endRow: unsettled.abandon,
    windowMs: config.idempotencyWindowMs,
    lockMs: settleAfterMs,
    clock,
  });
}
