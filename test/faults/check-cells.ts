import { afterEach, expect, test } from 'vitest';
import { startService } from '../support/service.ts';
import { EXPECTED } from './expected.ts';
import { DEADLINE_MS, FAULTS, FAULT_NAMES } from './faults.ts';
import { OPERATIONS } from './operations.ts';
import type { Operation } from './operations.ts';

/** Plays every fault of WorkOS in one operation, and compares each outcome with the promised one. */
export async function checkCells(operation: Operation): Promise<void> {
  const service = await startService({ WORKOS_TIMEOUT_MS: String(DEADLINE_MS) });
  afterEach(() => service.workos.faults.clear());

  test.each(FAULT_NAMES.map((name) => ({ name, what: FAULTS[name].what })))(
    `${operation}, and WorkOS answers with $what`,
    async ({ name }) => {
      expect(await OPERATIONS[operation](service, name)).toEqual(EXPECTED[operation][name]);
    },
  );
}
