import type { Knex } from 'knex';
import { auditSource } from '../audit/audit-event.ts';
import type { AuditLog } from '../audit/audit-log.ts';
import type { Clock } from '../clock.ts';
import { transaction } from '../db/transaction.ts';
import type { ActingCaller } from '../http/caller.ts';
import { isAddressAllowed } from '../ip/ip-match.ts';
import { normalizeRanges } from '../ip/ip-range.ts';
import type { RequestContext } from '../http/route.ts';
import { invalidFields } from '../http/validate.ts';
import type { OrganizationIpAllowLists } from '../tenants/organization-ip-allow-lists.ts';

type Deps = {
  db: Knex;
  lists: Pick<OrganizationIpAllowLists, 'put'>;
  /** Inserts the tenant's row if it is missing, and locks it until the transaction ends. */
  holdTenant: (trx: Knex.Transaction, organizationId: string) => Promise<unknown>;
  audit: AuditLog;
  clock: Clock;
};

export type SetIpAllowList = ReturnType<typeof makeSetIpAllowList>;

/**
 * Sets the addresses that an organization's users, machines and keys may come from.
 * @returns the list in its normal form
 * @throws AppError `validation_error` for a list that locks out the caller, unless `force`
 */
export function makeSetIpAllowList({ db, lists, holdTenant, audit, clock }: Deps) {
  return async function setIpAllowList(
    caller: ActingCaller,
    given: { ranges: readonly string[]; force: boolean },
    context: RequestContext,
  ): Promise<readonly string[]> {
    const { organizationId } = caller;
    const list = normalizeRanges(given.ranges);
    // The list does not concern staff, whose addresses are the product's.
    const mayLockOut = given.force || caller.kind === 'staff';
    if (!mayLockOut && !isAddressAllowed(list, context.ip)) throw lockedOut(context.ip);
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
    ip_allow_list: `Your own address, ${address ?? 'which is not known'}, is not in the list, so it would lock you out. Add it, or send force: true.`,
  });
}
