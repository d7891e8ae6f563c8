import { EMBERMIND } from './embermind/system.ts';
import { walk } from './system.ts';

await walk(EMBERMIND);
