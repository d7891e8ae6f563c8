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
  about: 'Personal keys with chosen scopes and an expiry, for programs that run evaluations.',
  start,
  behaviours: [...MAKING, ...SCOPES, ...USE, ...MANAGING, ...LIMITS, ...TROUBLE],
  notOurs: [
    {
      section: 'Overview',
      page: 'evaluations are created, managed, tracked and measured',
      why: "The product's evaluation API; Latchkey decides which key may call it, and how many tasks run at a time.",
    },
  ],
};
