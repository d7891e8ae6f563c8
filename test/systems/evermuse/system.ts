import type { System } from '../system.ts';
import { CREATING, KEYS } from './making.ts';
import { start } from './start.ts';
import type { World } from './start.ts';
import { ERRORS, PERMISSIONS, USE } from './use.ts';

export const EVERMUSE: System<World> = {
  name: 'Evermuse',
  slug: 'evermuse',
  about: 'Keys of a workspace that sends data in, with permissions chosen one by one.',
  start,
  behaviours: [...KEYS, ...CREATING, ...PERMISSIONS, ...USE, ...ERRORS],
};
