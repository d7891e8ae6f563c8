import { z } from 'zod';

/** The variables of `npm run workos`. */
export const LocalWorkosVariables = z.object({
  PORT: z.coerce.number().int().min(0).max(65_535).default(4_100).describe('Port to listen on; 0 takes a free one.'),
  HOST: z.string().default('127.0.0.1').describe('Address to listen on: loopback only.'),
  LATCHKEY_DATA_DIR: z.string().min(1).default('.data').describe('Folder of the file that keeps its state.'),
  LOCAL_WORKOS_SEED: z.string().min(1).max(4_096).optional().meta({
    description: 'YAML file of the organizations and people to begin with (docs/how-to/use-the-local-workos.md).',
    fallback: 'the demo',
  }),
  LOCAL_WORKOS_PROFILE: z.string().optional().meta({
    description:
      'How the local WorkOS behaves, also under `npm start`: `strict`, or one of the divergences that `GET /_emulator/profile` lists.',
    fallback: '`default`',
  }),
});
