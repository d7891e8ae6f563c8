import type { System } from '../system.ts';
import { ADDRESSES } from './addresses.ts';
import { CHECKS, ERRORS } from './errors.ts';
import { KEYS, OVERVIEW, PRACTICES } from './keys.ts';
import { INACTIVITY, SESSIONS } from './sessions.ts';
import { start } from './start.ts';
import type { World } from './start.ts';

export const EMBERMIND: System<World> = {
  name: 'Embermind',
  slug: 'embermind',
  about: 'Keys for servers, password sign-in for people, and IP allow lists.',
  start,
  behaviours: [...OVERVIEW, ...KEYS, ...SESSIONS, ...ADDRESSES, ...ERRORS, ...INACTIVITY, ...PRACTICES, ...CHECKS],
  notOurs: [
    {
      section: 'IP allow list',
      page: 'requests from the product to its customers are webhooks',
      why: "The product's own; Latchkey publishes the addresses that they come from.",
    },
  ],
  keepsItsOwn: true,
};
