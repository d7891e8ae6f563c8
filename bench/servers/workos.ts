import { startEmulator } from '../../src/emulator/emulator.ts';
import { benchSeed } from '../tenants.ts';

/** The local WorkOS, without latency and in memory only. */
await startEmulator({ port: Number(process.env['PORT']), stateFile: ':memory:', seed: benchSeed });
