import { MEMSOLUS } from './memsolus/system.ts';
import { walk } from './system.ts';

await walk(MEMSOLUS);
