import { afterAll } from 'vitest';
import type { Emulator } from '../../src/emulator/emulator.ts';
import { startLocalWorkos } from './local-workos.ts';
import { emptySeed } from './service.ts';

/** A second WorkOS environment, with the product's permissions and without people, and the variables that configure it. */
export async function startTestEnvironment(): Promise<{ workos: Emulator; env: Record<string, string> }> {
  const environment = { apiKey: 'sk_test_environment', clientId: 'client_test_environment' };
  const workos = await startLocalWorkos({ seed: { ...emptySeed, environment } });
  afterAll(() => workos.close());
  const env = {
    WORKOS_API_KEY_TEST: workos.apiKey,
    WORKOS_CLIENT_ID_TEST: workos.clientId,
    WORKOS_API_URL_TEST: workos.url,
  };
  return { workos, env };
}
