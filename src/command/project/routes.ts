import { buildCommand, buildRouteMap } from '@stricli/core';
import { callFlags, confirmFlags, connectionFlags, textFlag } from '../flags.ts';

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
