import type { Knex } from 'knex';
import { auditSource } from '../audit/audit-event.ts';
import type { AuditLog } from '../audit/audit-log.ts';
import type { Clock } from '../clock.ts';
import { transaction } from '../db/transaction.ts';
import type { TenantCaller } from '../http/caller.ts';
import { isAddressAllowed } from '../ip/ip-match.ts';
import { normalizeRanges } from '../ip/ip-range.ts';
import type { RequestContext } from '../http/route.ts';
import { invalidFields } from '../http/validate.ts';
import type { IpAllowListRepository } from './ip-allow-list-repository.ts';

type Deps = {
  db: Knex;
  lists: Pick<IpAllowListRepository, 'put'>;
  /** Makes sure that the tenant's row is there, and locks it until the transaction ends. */
  holdTenant: (trx: Knex.Transaction, organizationId: string) => Promise<unknown>;
  audit: AuditLog;
  clock: Clock;
};

export type SetIpAllowList = ReturnType<typeof makeSetIpAllowList>;

/**
 * Says from where an organization's people, machines and keys may be used.
 * @returns the list as it is kept
 * @throws AppError `validation_error` for a list that locks out whoever gives it, unless `force`
 */
export function makeSetIpAllowList({ db, lists, holdTenant, audit, clock }: Deps) {
  return async function setIpAllowList(
    caller: TenantCaller,
    given: { ranges: readonly string[]; force: boolean },
    context: RequestContext,
  ): Promise<readonly string[]> {
    const { organizationId } = caller;
    const list = normalizeRanges(given.ranges);
    if (!given.force && !isAddressAllowed(list, context.ip)) throw lockedOut(context.ip);
    await transaction(db, async (trx) => {
      await holdTenant(trx, organizationId);
      await lists.put(trx, organizationId, list, clock());
      await audit.append(trx, {
        ...auditSource(caller, context),
        organizationId,
        action: 'organization.ip_allow_list_changed',
        target: { kind: 'organization', id: organizationId },
        details: { ip_allow_list: list, forced: given.force },
      });
    });
    return list;
  };
}

function lockedOut(address: string | undefined) {
  return invalidFields({
    ip_allow_list: `Your own address, ${address ?? 'which is not known'}, is not in it: this would lock you out. Give force: true if that is meant.`,
  });
}
