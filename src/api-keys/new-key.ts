import type { z } from 'zod';
import { AppError } from '../errors.ts';
import type { ActingCaller, TenantCaller } from '../http/caller.ts';
import type { CreateKeyInput } from './create-key.ts';
import type { JudgedKey } from './judge-key.ts';
import { readSettings } from './key-settings.ts';
import type { JudgedApiKey } from './key-schemas.ts';
import type { KeySchemas } from './key-schemas.ts';
import { UNSET } from './key.ts';
import { ownerFor } from './rules/key-access.ts';
import { readExpiry } from './rules/key-expiry.ts';

/** What a creation would make. */
export function viewJudged({ organizationId }: TenantCaller, judged: JudgedKey): z.input<typeof JudgedApiKey> {
  const { settings, permissionSet, scopes, environment, ownerUserId, expiresAt } = judged;
  return {
    label: settings.label,
    permission_set: permissionSet ?? null,
    scopes: [...scopes],
    environment,
    owner: ownerUserId === undefined ? { type: 'organization', id: organizationId } : { type: 'user', id: ownerUserId },
    expires_at: expiresAt?.toISOString() ?? null,
  };
}

/** Reads the body of a creation. @throws AppError `permission_denied` for another organization or owner, `validation_error` */
export function readNewKey(
  caller: ActingCaller,
  body: z.output<KeySchemas['CreateKeyBody']>,
  now: Date,
): CreateKeyInput {
  if (body.organization_id !== undefined && body.organization_id !== caller.organizationId) {
    throw new AppError(
      'permission_denied',
      'organization_id names another organization than this credential. Omit it, or use a credential of that organization.',
    );
  }
  return {
    environment: body.environment,
    ownerUserId: ownerFor(caller, body),
    permissionSet: body.permission_set,
    chosenScopes: body.scopes,
    expiry: readExpiry(body, now),
    settings: { ...UNSET, label: body.label, ...readSettings(body) },
  };
}
