import type { Clock } from '../clock.ts';
import { timestamp, timestampIn } from '../clock.ts';
import { sha256 } from '../hashing.ts';
import { readJson } from '../state/json.ts';
import type { Store } from '../state/store.ts';

const LIFETIME_MS = 10 * 60 * 1000;

/** `pending`: signed in, before the choice of an organization. */
type Kind = 'authorization' | 'magic' | 'pending';

export type CodeDetails = {
  organizationId?: string;
  redirectUri?: string;
  codeChallenge?: string;
  authMethod?: 'password' | 'magic_code';
};

export type RedeemedCode = { userId: string; details: CodeDetails };

export type OneTimeCodes = {
  /** Stores a hash of the code, which is valid for ten minutes. Returns its expiry. */
  issue(kind: Kind, code: string, userId: string, details: CodeDetails): string;
  /** Returns what the code stands for, without consuming it. */
  peek(kind: Kind, code: string): RedeemedCode | undefined;
  /** Consumes the code, which is unknown from then on. */
  redeem(kind: Kind, code: string): RedeemedCode | undefined;
};

export function createOneTimeCodes(store: Store, clock: Clock): OneTimeCodes {
  const peek = (kind: Kind, code: string): RedeemedCode | undefined => {
    const row = store.get<{ user_id: string; details: string }>(
      'select user_id, details from one_time_codes where code_hash = ? and kind = ? and used_at is null and expires_at > ?',
      sha256(code),
      kind,
      timestamp(clock),
    );
    return row && { userId: row.user_id, details: readJson<CodeDetails>(row.details) };
  };
  return {
    issue(kind, code, userId, details) {
      const expiresAt = timestampIn(clock, LIFETIME_MS);
      store.run(
        'insert or replace into one_time_codes (code_hash, kind, user_id, details, expires_at) values (?, ?, ?, ?, ?)',
        sha256(code),
        kind,
        userId,
        JSON.stringify(details),
        expiresAt,
      );
      return expiresAt;
    },
    peek,
    redeem(kind, code) {
      const redeemed = peek(kind, code);
      if (redeemed)
        store.run('update one_time_codes set used_at = ? where code_hash = ?', timestamp(clock), sha256(code));
      return redeemed;
    },
  };
}
