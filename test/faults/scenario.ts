import { call } from '../support/api.ts';
import type { Answer } from '../support/api.ts';
import type { Service } from '../support/service.ts';
import { AT } from '../support/workos-faults.ts';
import type { Asked } from '../support/workos-faults.ts';
import { keysAtWorkos } from '../support/workos-keys.ts';
import { FAULTS } from './faults.ts';
import type { FaultName } from './faults.ts';

/** The answer to the caller, or the end of the step of a loop. */
export type Answered =
  | { status: number; code: string | null; retryAfter: string | null }
  | 'the step fails'
  | 'the step ends';

/** How a cell of the matrix came out. */
export type Outcome = {
  answered: Answered;
  /** The state that is left behind, as the operation names it. */
  left: string;
  /** The repair, as the operation names it. */
  repair: string;
};

export type Setting = { service: Service; organizationId: string; token: string };

const LATER_MS = 61_000;

export async function makeSetting(service: Service): Promise<Setting> {
  const acme = await service.organizations.add();
  return { service, organizationId: acme.id, token: await acme.machineToken() };
}

/** Switches the fault on: for one request, or until `heal`. */
export function breakWorkos({ workos }: Service, asked: Asked, name: FaultName, times: 0 | 1): void {
  workos.faults.add({ ...FAULTS[name].fault, ...AT[asked], times });
}

/** Ends the fault, waits until late work is done, and advances the clock. */
export async function restoreWorkos(service: Service, name: FaultName): Promise<void> {
  const { fault } = FAULTS[name];
  if (fault.kind === 'latency') await new Promise((resolve) => setTimeout(resolve, fault.ms));
  service.workos.faults.clear();
  service.clock.advance(LATER_MS);
}

export function answeredBy({ status, body, headers }: Answer): Answered {
  return { status, code: status >= 400 ? body.error.code : null, retryAfter: headers.get('retry-after') };
}

export const ask = ({ service, token }: Setting, method: string, path: string, body?: object) =>
  call(service, method, path, { token, ...(body && { body }) });

/** Returns the ids of keys at WorkOS beside the known ones. */
export async function unknownKeys({ service, organizationId }: Setting, known: readonly string[]): Promise<string[]> {
  const there = await keysAtWorkos(service, organizationId);
  return there.map(({ id }) => id).filter((id) => !known.includes(id));
}

export async function runLoop({ service }: Setting, name: string): Promise<'the step fails' | 'the step ends'> {
  return service.background.runOnce(name).then(
    () => 'the step ends' as const,
    () => 'the step fails' as const,
  );
}
