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
  notOurs: [
    {
      section: 'Permissions',
      page: 'assistants read and write by MCP',
      why: "The product's MCP server; Latchkey says which keys may use it.",
    },
    {
      section: 'Sending the key',
      page: 'POST /api/v1/ingest takes data',
      why: "The product's ingestion; Latchkey answers for its key, limits and refusals.",
    },
  ],
  keepsItsOwn: true,
};
