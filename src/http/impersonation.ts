import { AppError } from '../errors.ts';
import type { Caller } from './caller.ts';

/** The acts that the product may permit to an impersonator. */
export const IMPERSONATED_ACTS = ['read', 'revoke', 'create', 'rotate', 'update', 'ip_allow_list'] as const;
export type ImpersonatedAct = (typeof IMPERSONATED_ACTS)[number];

/** Returns the act that an operation is: what adds or changes something needs the permission to create. */
export function actOf(operation: 'create' | 'wind_down' | 'read'): ImpersonatedAct {
  if (operation === 'read') return 'read';
  return operation === 'wind_down' ? 'revoke' : 'create';
}

/**
 * Refuses an act of an impersonator that the product does not permit. `always`: permitted to every caller, as signing out.
 * @throws AppError `permission_denied`
 */
export function assertImpersonated(caller: Caller, act: ImpersonatedAct | 'always', may: ReadonlySet<string>): void {
  if (caller.kind !== 'user' || caller.impersonator === undefined || act === 'always' || may.has(act)) return;
  throw new AppError('permission_denied', 'An impersonated session may not do this.', {
    details: { impersonated: true, impersonated_may: [...may] },
  });
}
