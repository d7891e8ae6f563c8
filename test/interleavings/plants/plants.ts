import type { OperationName } from '../operations.ts';

/** A plausible fault of the code: a lock, a comparison or a catch that is missing, or a pause that is too long. */
export type Plant = {
  /** Of the sources, from `src` on. */
  file: string;
  /** What stands there, once, and what stands there with the fault. */
  changes: readonly (readonly [text: string, instead: string])[];
  /** Operations that meet there, among which it is looked for. */
  only: readonly OperationName[];
};

const FOR_UPDATE = ['    .forUpdate()\n', ''] as const;
/** Whoever claimed a row ends what others left of it meanwhile. */
const UNCOMPARED_CLAIM: Pick<Plant, 'file' | 'changes'> = {
  file: 'api-keys/rows/unsettled-keys.ts',
  changes: [
    [
      'row(id).where({ status, attempts, due_at: leasedUntil })',
      'row(id).whereRaw(`${[status, attempts, leasedUntil].length} = 3`)',
    ],
  ],
};

export const PLANTS: Record<string, Plant> = {
  'no lock on a key': {
    file: 'api-keys/rows/key-repository.ts',
    changes: [['query.forUpdate().first(KEY_COLUMNS)', 'query.first(KEY_COLUMNS)']],
    only: ['rotate', 'patch'],
  },
  'no refusal of a rotation by a suspension': {
    file: 'api-keys/rotate-key.ts',
    changes: [
      ["  if (status === 'suspended') throw suspended();\n", ''],
      ["if (status !== 'active') throw", "if (status !== 'active' && status !== 'suspended') throw"],
    ],
    only: ['rotate', 'suspend'],
  },
  'no comparison before a suspension': {
    file: 'api-keys/suspension/suspend-key.ts',
    changes: [['if (!isSuspendable(key, source.actor)) return key;', '']],
    only: ['suspend', 'suspend_resume'],
  },
  'no lock on a tenant': {
    file: 'tenants/tenant-repository.ts',
    changes: [FOR_UPDATE],
    only: ['create', 'plan_lowered', 'billing_webhook'],
  },
  'no lock on what the mirror compares': {
    file: 'api-keys/mirror/mirror-row.ts',
    changes: [FOR_UPDATE],
    only: ['delete', 'delete_there'],
  },
  'no comparison when a key becomes active': {
    file: 'api-keys/rows/key-writer.ts',
    changes: [["id: key.rowId, status: 'provisioning' }", 'id: key.rowId }']],
    only: ['create', 'settle_late', 'decommission'],
  },
  'no catch around an item of a loop': {
    file: 'background/items.ts',
    changes: [
      [
        '        return setAside(item, options, error);',
        '        if (error) throw error;\n        return setAside(item, options, error);',
      ],
    ],
    only: ['settle_refused', 'members_refused'],
  },
  'no catch around a deletion at WorkOS': {
    file: 'api-keys/revoke-key.ts',
    changes: [
      [
        "    log.warn({ err: error, key_id: key.id }, 'failed",
        "    if (error) throw error;\n    log.warn({ err: error, key_id: key.id }, 'failed",
      ],
    ],
    only: ['delete_down', 'delete_lost', 'rotate'],
  },
  'no catch around an expiry at WorkOS': {
    file: 'api-keys/expire-at-workos.ts',
    changes: [
      [
        "      log.warn({ err: error, key_id: key.id }, 'failed",
        "      if (error) throw error;\n      log.warn({ err: error, key_id: key.id }, 'failed",
      ],
    ],
    only: ['patch_end_down', 'rotate'],
  },
  'a backoff of an hour': {
    file: 'workos-sync/settle.ts',
    changes: [
      ['const BACKOFF_BASE_MS = 1_000;', 'const BACKOFF_BASE_MS = 3_600_000;'],
      ['const BACKOFF_MAX_MS = 15_000;', 'const BACKOFF_MAX_MS = 3_600_000;'],
    ],
    only: ['settle_down', 'late_orphan'],
  },
  'no second look for a key that was given up': {
    file: 'api-keys/mirror/mirror-keys.ts',
    changes: [
      [
        "if (row?.status !== 'failed' || row.workos_id === key.id) return false;",
        "if (row?.status !== 'failed' || row.workos_id !== 'never') return false;",
      ],
    ],
    only: ['late_orphan', 'settle', 'delete'],
  },
  'a successor from the unlocked row': {
    file: 'api-keys/rotate-key.ts',
    changes: [['return settingsOf(current);', 'return settingsOf(current && found);']],
    only: ['rotate', 'patch'],
  },
  'a reservation from the unlocked row': {
    file: 'api-keys/rotate-key.ts',
    changes: [['          ...templateOf(old),\n', '          ...templateOf(found),\n']],
    // No request changes what the activation does not take from the locked row: scopes.
    only: ['rotate', 'reconcile'],
  },
  'no comparison of what WorkOS has of a successor': {
    file: 'api-keys/rotate-key.ts',
    changes: [['assertSameAtWorkos(old, current);\n', 'if (!current) assertSameAtWorkos(old, current);\n']],
    only: ['rotate', 'patch_end'],
  },
  'no comparison when the settler ends a claim': { ...UNCOMPARED_CLAIM, only: ['settle', 'delete_down'] },
  'no comparison when the settler ends a search': { ...UNCOMPARED_CLAIM, only: ['settle', 'late_orphan'] },
  'no look at what WorkOS told while the settler had a key': {
    file: 'api-keys/rows/unsettled-keys.ts',
    changes: [
      [
        "        .whereRaw('workos_expires_at is not distinct from",
        "        .whereRaw('true or workos_expires_at is not distinct from",
      ],
    ],
    only: ['settle', 'expire_there'],
  },
  'no comparison when the settler gives up a maker': {
    file: 'api-keys/rows/unsettled-keys.ts',
    changes: [["(await claimed(claim).update({ status: 'failed'", "(await row(claim).update({ status: 'failed'"]],
    only: ['create', 'settle_late'],
  },
  'no comparison when WorkOS agrees to an expiry': {
    file: 'api-keys/rows/unsettled-keys.ts',
    changes: [["status: 'active', expires_at: end ?? null })", "status: 'active' })"]],
    only: ['patch_end', 'rotate', 'expire_there'],
  },
  'no comparison when WorkOS has answered about a person': {
    file: 'members/ask-for-members.ts',
    changes: [['if (!row || row.revision !== due.revision) return;', 'if (!row) return;']],
    only: ['members', 'membership_ends', 'role_narrowed', 'membership_again'],
  },
  'no end of what is being made when an organization ends': {
    file: 'api-keys/mirror/revoke-some-keys.ts',
    changes: [['    await failProvisioningRows(trx, organizationId, now);\n', '']],
    only: ['create', 'decommission'],
  },
  'no end of what was begun in an earlier membership': {
    file: 'api-keys/mirror/keys-of-person.ts',
    changes: [['  await failProvisioningRows(', '  if (!madeUntil) await failProvisioningRows(']],
    only: ['create_personal', 'membership_again'],
  },
  "a role that is as young as its member's membership": {
    file: 'members/ask-for-members.ts',
    // Each of the two holds without the other.
    changes: [
      ['  await Promise.allSettled(batch.members);\n', ''],
      ['const times = roles.flatMap(', 'const times = [member.updatedAt].concat(roles.flatMap('],
      ['role?.updatedAt ?? []);', 'role?.updatedAt ?? []));'],
    ],
    only: ['members', 'role_narrowed'],
  },
};
