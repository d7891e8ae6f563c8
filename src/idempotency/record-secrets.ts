import { deriveKeys } from '../secrets.ts';
import type { Secrets } from '../secrets.ts';
import { makeSealing } from './sealing.ts';
import type { Sealing } from './sealing.ts';

/** Where answers are kept under one secret. */
export type Safe = {
  /** Names places, so that the clients' keys are not kept. */
  secret: Buffer;
  sealing: Sealing;
};

/** Of the current secret first; an earlier one still gives the answers that it sealed. */
export type Safes = readonly [Safe, ...Safe[]];

export function makeSafes(secrets: Secrets): Safes {
  const places = deriveKeys(secrets, 'idempotency place');
  const seals = deriveKeys(secrets, 'idempotency seal');
  return places.map((secret, at) => ({ secret, sealing: makeSealing(seals[at]!) })) as [Safe, ...Safe[]];
}
