import type { Clock } from '../clock.ts';
import { timestamp, timestampIn } from '../clock.ts';
import { sha256 } from '../hashing.ts';
import { oauthError } from '../http/http-error.ts';
import { randomAlphanumerics, randomConsonants } from '../random-text.ts';
import { insertRow } from '../state/rows.ts';
import type { Store } from '../state/store.ts';

const LIFETIME_SECONDS = 300;
const INTERVAL_SECONDS = 5;
const DEVICE_CODE_LENGTH = 48;

type Row = {
  user_code: string;
  user_id: string | null;
  organization_id: string | null;
  denied_at: string | null;
  used_at: string | null;
  polled_at: string | null;
  interval_seconds: number;
  expires_at: string;
};
type Deps = { store: Store; clock: Clock };

export type DeviceRequest = { deviceCode: string; userCode: string; expiresIn: number; interval: number };

/** Stores a hash of the device's code. The person's code is short-lived and grants nothing by itself. */
export function startDevice({ store, clock }: Deps): DeviceRequest {
  const deviceCode = randomAlphanumerics(DEVICE_CODE_LENGTH);
  const userCode = `${randomConsonants(4)}-${randomConsonants(4)}`;
  store.run('delete from device_codes where expires_at <= ? or user_code = ?', timestamp(clock), userCode);
  insertRow(store, 'device_codes', {
    device_hash: sha256(deviceCode),
    user_code: userCode,
    interval_seconds: INTERVAL_SECONDS,
    expires_at: timestampIn(clock, LIFETIME_SECONDS * 1000),
  });
  return { deviceCode, userCode, expiresIn: LIFETIME_SECONDS, interval: INTERVAL_SECONDS };
}

/** Returns whether a device waits for the answer to this code. */
export const isWaiting = ({ store, clock }: Deps, userCode: string): boolean =>
  store.get(
    'select 1 from device_codes where user_code = ? and user_id is null and denied_at is null and expires_at > ?',
    userCode,
    timestamp(clock),
  ) !== undefined;

export const approveDevice = (
  { store }: Deps,
  userCode: string,
  { userId, organizationId }: { userId: string; organizationId: string | undefined },
): void =>
  void store.run(
    'update device_codes set user_id = ?, organization_id = ? where user_code = ?',
    userId,
    organizationId ?? null,
    userCode,
  );

export const denyDevice = ({ store, clock }: Deps, userCode: string): void =>
  void store.run('update device_codes set denied_at = ? where user_code = ?', timestamp(clock), userCode);

/** Throws the reason to wait, to slow down or to give up (RFC 8628, section 3.5). Returns the answer once. */
export function pollDevice(
  { store, clock }: Deps,
  deviceCode: string,
): { userId: string; organizationId: string | undefined } {
  const hash = sha256(deviceCode);
  const row = store.get<Row>('select * from device_codes where device_hash = ?', hash);
  const now = timestamp(clock);
  if (!row || row.used_at !== null) throw oauthError(400, 'invalid_grant', 'The device code is invalid.');
  if (row.expires_at <= now) throw oauthError(400, 'expired_token', 'The device code has expired.');
  if (row.denied_at !== null) throw oauthError(400, 'access_denied', 'The request was denied.');
  if (row.user_id === null) throw waiting({ store, clock }, hash, row);
  store.run('update device_codes set used_at = ? where device_hash = ?', now, hash);
  return { userId: row.user_id, organizationId: row.organization_id ?? undefined };
}

function waiting({ store, clock }: Deps, hash: Uint8Array, row: Row): Error {
  const isEarly = row.polled_at !== null && row.polled_at > timestampIn(clock, -row.interval_seconds * 1000);
  store.run(
    'update device_codes set polled_at = ?, interval_seconds = ? where device_hash = ?',
    timestamp(clock),
    row.interval_seconds + (isEarly ? INTERVAL_SECONDS : 0),
    hash,
  );
  return isEarly
    ? oauthError(400, 'slow_down', 'The device asks too often; wait five seconds more between requests.')
    : oauthError(400, 'authorization_pending', 'The person has not answered yet.');
}
