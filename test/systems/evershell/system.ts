import type { System } from '../system.ts';
import { CALLERS, REVOKING, SCOPES } from './callers.ts';
import { ANSWERS, CREATING } from './creating.ts';
import { POSTURES, REFUSALS } from './refusals.ts';
import { start } from './start.ts';
import type { World } from './start.ts';

export const EVERSHELL: System<World> = {
  name: 'Evershell',
  slug: 'evershell',
  about: 'Keys of an organization, made from closed permission sets, with billing as the gate.',
  start,
  behaviours: [...CREATING, ...ANSWERS, ...REFUSALS, ...POSTURES, ...SCOPES, ...CALLERS, ...REVOKING],
  notOurs: [
    {
      section: 'Create an API key: 400',
      page: 'codes such as workspace_not_found',
      why: "Of the product's other routes, which have no part in keys. Latchkey's own list is closed, too.",
    },
  ],
};
