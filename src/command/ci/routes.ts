import { buildCommand, buildRouteMap } from '@stricli/core';
import { argument, callFlags, confirmFlags, numberFlag, requiredTextFlag, switchFlag, textFlag } from '../flags.ts';
import { sinkFlags } from '../sinks/sink-flags.ts';

const wantedFlags = {
  ...callFlags,
  policy: requiredTextFlag('Id of the CI policy that trusts this job', 'id'),
  audience: textFlag("Audience of the job's token, which the policy shows; not where LATCHKEY_ID_TOKEN is set", 'url'),
  permissionSet: textFlag('Permission set, where the policy allows several', 'name'),
  scopes: {
    kind: 'parsed',
    parse: String,
    variadic: ',',
    optional: true,
    brief: 'Scopes instead of a permission set, separated by commas',
    placeholder: 'a,b',
  },
  environment: {
    kind: 'enum',
    values: ['live', 'test'],
    optional: true,
    brief: 'Environment of the key; the first of the policy unless given',
  },
  lifetimeSeconds: numberFlag('Lifetime of the key; the longest of the policy unless given', 60, 86_400),
} as const;
const program = (brief: string) =>
  ({ kind: 'array', parameter: { brief, parse: String, placeholder: 'program' } }) as const;
const file = argument('file', 'YAML or JSON file with a list of policies');
const prune = switchFlag('Also delete policies that the file does not have');

const exec = buildCommand({
  loader: async () => (await import('./exec.ts')).exec,
  parameters: {
    flags: { ...wantedFlags, env: requiredTextFlag('Variable that gets the key', 'name') },
    positional: program('Program and its arguments, after --'),
  },
  docs: { brief: 'Run a program with a key of this CI job, and end the key with it' },
});

const exchange = buildCommand({
  loader: async () => (await import('./exchange.ts')).exchange,
  parameters: { flags: { ...wantedFlags, ...sinkFlags }, positional: program('Program of --exec and its arguments') },
  docs: { brief: 'Put a key of this CI job where a later step finds it' },
});

const explain = buildCommand({
  loader: async () => (await import('./explain.ts')).explain,
  parameters: { flags: { ...callFlags, policy: wantedFlags.policy, audience: wantedFlags.audience } },
  docs: { brief: 'Show what the token of this job says, and which conditions of a policy it fulfils' },
});

const list = buildCommand({
  loader: async () => (await import('./policies.ts')).listPolicies,
  parameters: { flags: callFlags },
  docs: { brief: 'List the CI policies of the organization' },
});

const diff = buildCommand({
  loader: async () => (await import('./policies.ts')).diffPolicies,
  parameters: { flags: { ...callFlags, prune }, positional: file },
  docs: { brief: 'Show what apply would change, and which exchanges of the last 30 days; exits with 1 for a change' },
});

const apply = buildCommand({
  loader: async () => (await import('./policies.ts')).applyPolicies,
  parameters: { flags: { ...callFlags, ...confirmFlags, prune }, positional: file },
  docs: { brief: 'Make the CI policies those of a file, by their names' },
});

const remove = buildCommand({
  loader: async () => (await import('./policies.ts')).deletePolicy,
  parameters: {
    flags: { ...callFlags, ...confirmFlags, revokeKeys: switchFlag('Also revoke the keys that the policy gave') },
    positional: argument('id', 'Id of the policy'),
  },
  docs: { brief: 'Delete a CI policy; its keys live until their expiry unless they are revoked' },
});

const policy = buildRouteMap({
  routes: { list, diff, apply, delete: remove },
  docs: { brief: 'Say which CI jobs may have keys' },
});

export const ciRoutes = buildRouteMap({
  routes: { exec, exchange, explain, policy },
  docs: { brief: 'Keys for CI jobs, without a stored secret' },
});
