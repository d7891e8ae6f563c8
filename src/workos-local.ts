import { join } from 'node:path';
import { z } from 'zod';
import { demoSeed } from './emulator/demo.ts';
import { startEmulator } from './emulator/emulator.ts';

const Environment = z.object({
  PORT: z.coerce.number().int().min(0).max(65_535).default(4_100),
  HOST: z.string().default('127.0.0.1'),
  LATCHKEY_DATA_DIR: z.string().min(1).default('.data'),
});

try {
  const { PORT: port, HOST: host, LATCHKEY_DATA_DIR: folder } = Environment.parse(process.env);
  const stateFile = join(folder, 'workos', 'state.sqlite');
  const emulator = await startEmulator({ port, host, stateFile, seed: demoSeed });
  process.stdout.write(`Local WorkOS on ${emulator.url}, state in ${stateFile}\n`);
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => void emulator.close());
} catch (error) {
  const reason =
    error instanceof z.ZodError ? z.prettifyError(error) : error instanceof Error ? error.message : String(error);
  process.stderr.write(`Local WorkOS did not start: ${reason.replaceAll('\n', ' ')}\n`);
  process.exitCode = 1;
}
