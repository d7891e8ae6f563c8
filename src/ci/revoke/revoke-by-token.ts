import type { Knex } from 'knex';
import type { Key } from '../../api-keys/key.ts';
import { auditSource } from '../../audit/audit-event.ts';
import type { AuditLog } from '../../audit/audit-log.ts';
import type { CiCaller } from '../../http/caller.ts';
import type { RequestContext } from '../../http/route.ts';
import type { KeyPlace, RevokeTokens } from './revoke-tokens.ts';

type Deps = {
  tokens: Pick<RevokeTokens, 'read'>;
  findKey: (place: KeyPlace) => Promise<Key | undefined>;
  /** Revokes a key, and records in the same transaction what `alsoRecord` adds. */
  revoke: (
    caller: CiCaller,
    id: string,
    context: RequestContext,
    alsoRecord: (trx: Knex.Transaction) => Promise<void>,
  ) => Promise<void>;
  audit: Pick<AuditLog, 'append'>;
};

export type RevokeByToken = ReturnType<typeof makeRevokeByToken>;

/** Revokes the key that a token is for. Does nothing for a token that was not made here, or whose key is not there. */
export function makeRevokeByToken({ tokens, findKey, revoke, audit }: Deps) {
  return async function revokeByToken(token: string, context: RequestContext): Promise<void> {
    const place = tokens.read(token);
    const key = place && (await findKey(place));
    if (!key) return;
    const { organizationId, id } = key;
    const policyId = key.createdBy.id;
    const caller: CiCaller = { kind: 'ci', organizationId, policyId, scopes: new Set() };
    await revoke(caller, id, context, (trx) =>
      audit.append(trx, {
        ...auditSource(caller, context),
        organizationId,
        action: 'ci.revoked',
        target: { kind: 'ci_policy', id: policyId },
        details: { key_id: id },
      }),
    );
  };
}
