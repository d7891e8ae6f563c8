import type { System } from '../system.ts';
import { KEYS } from './making.ts';
import { start } from './start.ts';
import type { World } from './start.ts';
import { EACH_PERMISSION, PRACTICES, SENDING } from './use.ts';

export const MEMSOLUS: System<World> = {
  name: 'Memsolus',
  slug: 'memsolus',
  about: 'Keys for production and for tests, each with only the permissions that it needs, of 14.',
  start,
  behaviours: [...KEYS, ...SENDING, ...EACH_PERMISSION, ...PRACTICES],
  notOurs: [
    {
      section: 'Permissions',
      page: 'memories, knowledge, exports, ingestion, webhooks and statistics',
      why: "The product's API; Latchkey decides which key may call what.",
    },
  ],
};
