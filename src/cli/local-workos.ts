import { join } from 'node:path';
import { z } from 'zod';
import { readArguments } from './command.ts';
import { demoSeed } from '../emulator/demo.ts';
import { LocalWorkosVariables } from '../emulator/environment.ts';
import { startEmulator } from '../emulator/emulator.ts';
import { profileNamed } from '../emulator/profile/profile.ts';
import { readSeed } from '../emulator/read-seed.ts';

// `npm run workos`: runs the local WorkOS until a signal.
try {
  const { PORT: port, HOST: host, LATCHKEY_DATA_DIR: folder, ...environment } = LocalWorkosVariables.parse(process.env);
  const { values: options } = readArguments('workos', false);
  const file = options.seed ?? environment.LOCAL_WORKOS_SEED;
  const stateFile = join(folder, 'workos', 'state.sqlite');
  const profile = profileNamed(environment.LOCAL_WORKOS_PROFILE);
  const seed = file === undefined ? demoSeed : readSeed(file);
  const emulator = await startEmulator({ port, host, stateFile, seed, profile });
  process.stdout.write(
    `Local WorkOS on ${emulator.url}, ${file === undefined ? 'the demo' : file}, state in ${stateFile}\n`,
  );
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => void emulator.close());
} catch (error) {
  const reason =
    error instanceof z.ZodError ? z.prettifyError(error) : error instanceof Error ? error.message : String(error);
  process.stderr.write(`Local WorkOS did not start: ${reason.replaceAll('\n', ' ')}\n`);
  process.exitCode = 1;
}
