import { MIXUS } from './mixus/system.ts';
import { walk } from './system.ts';

await walk(MIXUS);
