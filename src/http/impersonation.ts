import { AppError } from '../errors.ts';
import type { Caller } from './caller.ts';

/** What somebody may do who acts as another person. */
export const IMPERSONATED_ACTS = ['read', 'revoke', 'create', 'rotate', 'update', 'ip_allow_list'] as const;
export type ImpersonatedAct = (typeof IMPERSONATED_ACTS)[number];

/**
 * Judges whether a session in which somebody acts as another person may do this. `always`: whoever it is, such as signing
 * out.
 * @throws AppError `permission_denied`
 */
export function assertImpersonated(caller: Caller, act: ImpersonatedAct | 'always', may: ReadonlySet<string>): void {
  if (caller.kind !== 'user' || caller.impersonator === undefined || act === 'always' || may.has(act)) return;
  throw new AppError('permission_denied', 'A session in which somebody acts as another person may not do this.', {
    details: { impersonated: true, impersonated_may: [...may] },
  });
}
