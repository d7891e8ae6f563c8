import { buildCommand, buildRouteMap } from '@stricli/core';
import { callFlags, confirmFlags, connectionFlags, numberFlag, switchFlag, textFlag } from '../flags.ts';

const { url, profile } = connectionFlags;
const { json } = callFlags;

type Part = 'client' | 'product';
const PARTS: readonly Part[] = ['client', 'product'];

function part(input: string): Part {
  const found = PARTS.find((each) => each === input);
  if (found === undefined) throw new Error(`must be ${PARTS.join(' or ')}`);
  return found;
}

export const init = buildCommand({
  loader: async () => (await import('./init.ts')).init,
  parameters: {
    flags: {
      ...confirmFlags,
      url,
      profile,
      folder: textFlag('Folder to write to; this one unless given', 'folder'),
      name: textFlag('Name of the product; that of the folder unless given', 'text'),
    },
    positional: {
      kind: 'tuple',
      parameters: [
        {
          brief: 'client: .env and a module that guards routes; product: a product file. client unless given',
          parse: part,
          placeholder: 'part',
          optional: true,
          proposeCompletions: () => PARTS,
        },
      ],
    },
  },
  docs: { brief: 'Write the files to begin with; replaces none of yours unasked' },
});

const lint = buildCommand({
  loader: async () => (await import('./lint.ts')).lintConfig,
  parameters: {
    flags: { json: { ...json, brief: 'Print the faults as JSON' } },
    positional: {
      kind: 'array',
      parameter: { brief: 'Product file', parse: String, placeholder: 'file' },
      minimum: 1,
    },
  },
  docs: { brief: "Check product files with the service's own schema; exits with 1 for a fault" },
});

export const configRoutes = buildRouteMap({ routes: { lint }, docs: { brief: 'Check product files' } });

export const scan = buildCommand({
  loader: async () => (await import('./scan.ts')).scan,
  parameters: {
    flags: {
      ...connectionFlags,
      json: { ...json, brief: 'Print each finding as JSON, one a line' },
      staged: switchFlag('Scan the lines that the next commit adds'),
      verify: switchFlag('Ask the service which of the keys are good; needs a service token'),
      rules: {
        kind: 'enum',
        values: ['gitleaks', 'trufflehog', 'github'],
        optional: true,
        brief: 'Scan nothing, and print the rules for another scanner',
      },
      livePrefix: textFlag('Prefix of live keys; the service is asked unless given', 'prefix'),
      testPrefix: textFlag('Prefix of test keys', 'prefix'),
      checksum: switchFlag('Keys end with a checksum'),
      length: numberFlag('Length of a whole key', 32, 128),
    },
    positional: {
      kind: 'array',
      parameter: {
        brief: 'File or folder, or - for standard input; this folder unless given',
        parse: String,
        placeholder: 'path',
      },
    },
  },
  docs: {
    brief: 'Find API keys in files, standard input or staged changes; exits with 1 for a key',
    fullDescription:
      'Find API keys in files, standard input or staged changes; exits with 1 for a key. Keys are never printed, and leave this machine with --verify alone.',
  },
});
