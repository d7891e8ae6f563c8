import type { KeyObject } from 'node:crypto';
import { startEmulator } from '../../src/emulator/emulator.ts';
import type { Emulator, EmulatorOptions } from '../../src/emulator/emulator.ts';
import { profileNamed } from '../../src/emulator/profile/profile.ts';
import { makePrivateKey } from '../../src/emulator/tokens/signing-keys.ts';

/** The profile of the local WorkOS; CI runs the tests under `strict`, too. */
export const PROFILE = profileNamed(process.env['LOCAL_WORKOS_PROFILE']);

// Making a key takes longer than most tests. The files of a worker run one after another and share these.
const idle: KeyObject[] = [];

/**
 * Starts a local WorkOS on a free port and a state of its own. Its signing keys are no other's that runs at the same time,
 * and serve the next one after it has closed.
 */
export async function startLocalWorkos(options: Pick<EmulatorOptions, 'seed' | 'clock'>): Promise<Emulator> {
  const keys: KeyObject[] = [];
  const workos = await startEmulator({
    ...options,
    port: 0,
    stateFile: ':memory:',
    profile: PROFILE,
    async privateKey() {
      const key = idle.pop() ?? (await makePrivateKey());
      keys.push(key);
      return key;
    },
  });
  return {
    ...workos,
    async close() {
      await workos.close();
      idle.push(...keys.splice(0));
    },
  };
}
