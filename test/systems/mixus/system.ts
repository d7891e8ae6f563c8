import type { System } from '../system.ts';
import { MAKING, SCOPES } from './making.ts';
import { LIMITS, MANAGING } from './managing.ts';
import { start } from './start.ts';
import type { World } from './start.ts';
import { TROUBLE } from './trouble.ts';
import { USE } from './use.ts';

export const MIXUS: System<World> = {
  name: 'Mixus',
  slug: 'mixus',
  about: 'Keys of people, with chosen scopes and an end, for running evaluations by program.',
  start,
  behaviours: [...MAKING, ...SCOPES, ...USE, ...MANAGING, ...LIMITS, ...TROUBLE],
};
