import type { FaultInput } from '../../src/emulator/faults/faults.ts';
import type { Service } from './service.ts';

/** The requests of Latchkey to WorkOS, as the faults of the local WorkOS name them. */
export const AT = {
  create: { method: 'POST', path: '/organizations/:id/api_keys' },
  list: { method: 'GET', path: '/organizations/:id/api_keys' },
  delete: { method: 'DELETE', path: '/api_keys/:id' },
  expire: { method: 'POST', path: '/api_keys/:id/expire' },
  validate: { method: 'POST', path: '/api_keys/validations' },
  events: { method: 'GET', path: '/events' },
} as const;

export type Asked = keyof typeof AT;

/** Adds a fault for one kind of request; `times` is 1 by default. */
export function failAt({ workos }: Pick<Service, 'workos'>, asked: Asked, fault: FaultInput): void {
  workos.faults.add({ ...fault, ...AT[asked] });
}

/** Makes WorkOS unreachable until `faults.clear()`. */
export function takeWorkosDown({ workos }: Pick<Service, 'workos'>): void {
  workos.faults.add({ kind: 'reset_before', times: 0 });
}
