import { startEmulator } from '../../src/emulator/emulator.ts';
import { benchSeed } from '../tenants.ts';

/** The local WorkOS, without latency and with nothing on disk. */
await startEmulator({ port: Number(process.env['PORT']), stateFile: ':memory:', seed: benchSeed });
