import { createPublicKey, randomBytes, sign } from 'node:crypto';
import type { KeyObject } from 'node:crypto';
import { bits, nothing, objectIdentifier, positiveInteger, sequence, set, tagged, time, utf8 } from './der.ts';

const SHA256_WITH_RSA = '1.2.840.113549.1.1.11';
const COMMON_NAME = '2.5.4.3';
const DAY_MS = 24 * 60 * 60 * 1000;
const VALID_DAYS = 3_650;

/** Creates a minimal self-signed X.509 v3 certificate (RFC 5280) in DER, which WorkOS's JWKS have and Node cannot create. */
export function selfSignedCertificate(privateKey: KeyObject, commonName: string, now: Date): Buffer {
  const algorithm = sequence(objectIdentifier(SHA256_WITH_RSA), nothing());
  const name = sequence(set(sequence(objectIdentifier(COMMON_NAME), utf8(commonName))));
  const serial = randomBytes(16);
  // DER requires the shortest encoding, which has no leading zero.
  serial[0] = (serial[0]! & 0x7f) | 0x40;
  const toBeSigned = sequence(
    tagged(0, positiveInteger(Buffer.from([2]))),
    positiveInteger(serial),
    algorithm,
    name,
    sequence(time(now), time(new Date(now.getTime() + VALID_DAYS * DAY_MS))),
    name,
    createPublicKey(privateKey).export({ type: 'spki', format: 'der' }),
  );
  return sequence(toBeSigned, algorithm, bits(sign('sha256', toBeSigned, privateKey)));
}
