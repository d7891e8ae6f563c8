import { PROVIDERS } from '../billing/webhooks/providers.ts';
import { COMMON_VARIABLES, readEnvironment } from '../config/config.ts';
import type { Config } from '../config/config.ts';

const PROVIDER_VARIABLES = PROVIDERS.map(({ variable }) => variable);

/** The names of all variables that `readConfig` reads, except those that the product file names for webhook endpoints. */
export const VARIABLES: readonly string[] = [...COMMON_VARIABLES, ...PROVIDER_VARIABLES.map(({ name }) => name)];

/** Reads the environment, with the variable of every billing provider. @throws StartError as `readEnvironment` does */
export function readConfig(env: Readonly<Record<string, string | undefined>>): Config {
  return readEnvironment(env, PROVIDER_VARIABLES);
}
