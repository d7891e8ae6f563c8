import { EVERMUSE } from './evermuse/system.ts';
import { walk } from './system.ts';

await walk(EVERMUSE);
