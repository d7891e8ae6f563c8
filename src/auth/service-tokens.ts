import { createHash, timingSafeEqual } from 'node:crypto';
import { StartError } from '../errors.ts';
import type { ServiceCaller } from '../http/caller.ts';

const FORM = /^(svc_[A-Za-z0-9_-]{8,200})(?::(.+))?$/;

/** What a service token may do when its entry names nothing narrower. */
const ALL_SCOPES = ['billing:write', 'billing:read', 'apikeys:verify'];

type Entry = { hash: Buffer; caller: ServiceCaller };

/**
 * The service tokens of the configuration, each `svc_…` or `svc_…:scope+scope`. Only their hashes are kept, and every
 * hash is compared, each in constant time.
 * @throws StartError for an entry of another form
 */
export function makeServiceTokens(entries: readonly string[]): (token: string) => ServiceCaller | undefined {
  const known = entries.map(readEntry);
  return (token) => {
    const hash = sha256(token);
    return known.reduce<ServiceCaller | undefined>(
      (found, entry) => (timingSafeEqual(entry.hash, hash) ? entry.caller : found),
      undefined,
    );
  };
}

function readEntry(entry: string, index: number): Entry {
  const [, token, scopes] = FORM.exec(entry) ?? [];
  if (token === undefined) {
    throw new StartError(
      `LATCHKEY_SERVICE_TOKENS: entry ${index + 1} is not of the form svc_… (8 to 200 letters, digits, _ or -), with :scope+scope behind it if it is to be narrower.`,
    );
  }
  const hash = sha256(token);
  const granted = scopes === undefined ? ALL_SCOPES : scopes.split('+');
  const unknown = granted.filter((scope) => !ALL_SCOPES.includes(scope));
  if (unknown.length > 0) {
    throw new StartError(
      `LATCHKEY_SERVICE_TOKENS: entry ${index + 1} names unknown scopes (${unknown.join(', ')}); there are ${ALL_SCOPES.join(', ')}.`,
    );
  }
  // The hash names the token in logs and audit events: it cannot be turned back and differs for each.
  const tokenId = `service_${hash.toString('hex').slice(0, 12)}`;
  return { hash, caller: { kind: 'service', tokenId, scopes: new Set(granted) } };
}

function sha256(token: string): Buffer {
  return createHash('sha256').update(token).digest();
}
