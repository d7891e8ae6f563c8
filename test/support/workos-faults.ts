import type { FaultInput } from '../../src/emulator/faults/faults.ts';
import type { Service } from './service.ts';

/** What Latchkey asks of WorkOS, as the local WorkOS's faults name it. */
export const AT = {
  create: { method: 'POST', path: '/organizations/:id/api_keys' },
  list: { method: 'GET', path: '/organizations/:id/api_keys' },
  delete: { method: 'DELETE', path: '/api_keys/:id' },
  expire: { method: 'POST', path: '/api_keys/:id/expire' },
  validate: { method: 'POST', path: '/api_keys/validations' },
  events: { method: 'GET', path: '/events' },
} as const;

export type Asked = keyof typeof AT;

/** Switches a fault on for one kind of request; once, unless `times` says otherwise. */
export function failAt({ workos }: Pick<Service, 'workos'>, asked: Asked, fault: FaultInput): void {
  workos.faults.add({ ...fault, ...AT[asked] });
}

/** WorkOS cannot be reached at all until `faults.clear()`. */
export function takeWorkosDown({ workos }: Pick<Service, 'workos'>): void {
  workos.faults.add({ kind: 'reset_before', times: 0 });
}
