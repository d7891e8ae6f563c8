import { EVERSHELL } from './evershell/system.ts';
import { walk } from './system.ts';

await walk(EVERSHELL);
