import { deriveKeys } from '../secrets.ts';
import type { Secrets } from '../secrets.ts';
import { makeSealing } from './sealing.ts';
import type { Sealing } from './sealing.ts';

/** What one service secret contributes to idempotency records. */
export type RecordSecret = {
  /** HMAC key of record ids; the database stores no `Idempotency-Key`. */
  idKey: Buffer;
  sealing: Sealing;
};

/** The current secret first. Earlier ones still open the answers that they sealed. */
export type RecordSecrets = readonly [RecordSecret, ...RecordSecret[]];

export function makeRecordSecrets(secrets: Secrets): RecordSecrets {
  // The two labels go into the derivation: another label would lose every stored answer.
  const idKeys = deriveKeys(secrets, 'idempotency place');
  const seals = deriveKeys(secrets, 'idempotency seal');
  return idKeys.map((idKey, at) => ({ idKey, sealing: makeSealing(seals[at]!) })) as [RecordSecret, ...RecordSecret[]];
}
