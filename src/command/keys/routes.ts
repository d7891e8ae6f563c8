import { buildCommand, buildRouteMap } from '@stricli/core';
import {
  argument,
  callFlags,
  confirmFlags,
  numberFlag,
  requiredTextFlag,
  switchFlag,
  textFlag,
  wholeNumber,
} from '../flags.ts';
import { sinkFlags } from '../sinks/sink-flags.ts';

const text = (input: string) => input;
const many = (brief: string, placeholder: string) =>
  ({ kind: 'parsed', parse: text, variadic: ',', optional: true, brief, placeholder }) as const;
const repeated = (brief: string, placeholder: string) =>
  ({ kind: 'parsed', parse: text, variadic: true, optional: true, brief, placeholder }) as const;
const choice = <const Value extends string>(brief: string, values: readonly Value[]) =>
  ({ kind: 'enum', values, optional: true, brief }) as const;

const program = { brief: 'Program of --exec and its arguments', parse: text, placeholder: 'program' } as const;
const key = argument('id', 'Id of the key');
const expiryFlags = {
  expiresIn: textFlag('Lifetime from now, such as 30d or 1y, or never', 'duration'),
  expiresAt: textFlag('Time of expiry, in ISO 8601', 'time'),
} as const;
const rangeFlags = {
  from: textFlag('Beginning of the range, in ISO 8601', 'time'),
  to: textFlag('End of the range, in ISO 8601; now unless given', 'time'),
  interval: choice('Length of a bar', ['hour', 'day']),
} as const;

/** Reads `1000/60s`: at most so many requests in a window. */
function rateLimit(input: string) {
  const [, limit, seconds] = /^(\d{1,9})\/(\d{1,7})s$/.exec(input) ?? [];
  if (limit === undefined || seconds === undefined) throw new Error('must be REQUESTS/SECONDSs, such as 1000/60s');
  return { limit: Number(limit), window_seconds: Number(seconds) };
}

const list = buildCommand({
  loader: async () => (await import('./list.ts')).listKeys,
  parameters: {
    flags: {
      ...callFlags,
      status: choice('Status of the keys', ['active', 'suspended', 'expired', 'revoked']),
      permissionSet: textFlag('Permission set of the keys', 'name'),
      environment: choice('Environment of the keys', ['live', 'test']),
      owner: choice('Owner of the keys', ['organization', 'user', 'me']),
      origin: choice('Where the keys were made; keys of CI jobs are hidden unless ci is given', [
        'latchkey',
        'workos',
        'ci',
        'imported',
      ]),
      expiresBefore: textFlag('Keys that expire before this time', 'time'),
      search: textFlag('Part of the label, last four characters of the secret, or id', 'text'),
      sort: choice('Order; newest first unless given', ['created_at', '-created_at', 'expires_at', 'label']),
      limit: numberFlag('How many keys at most; all unless given', 1, 1_000_000),
    },
  },
  docs: { brief: 'List the keys of the organization' },
});

const review = buildCommand({
  loader: async () => (await import('./review.ts')).reviewKeys,
  parameters: {
    flags: {
      ...callFlags,
      finding: many('Findings, separated by commas; any unless given', 'a,b'),
      csv: switchFlag('Print CSV with every column, as it comes'),
      limit: numberFlag('How many keys at most; all unless given', 1, 1_000_000),
    },
  },
  docs: {
    brief: 'List keys that are unused, never expire, grant too much, or whose creator has left',
    fullDescription:
      'List keys that are unused, never expire, grant too much, or whose creator has left. Findings are unused, creator_left, never_expires and unused_scopes.',
  },
});

const show = buildCommand({
  loader: async () => (await import('./show.ts')).showKey,
  parameters: { flags: callFlags, positional: key },
  docs: { brief: 'Show one key' },
});

const create = buildCommand({
  loader: async () => (await import('./create.ts')).createKey,
  parameters: {
    flags: {
      ...callFlags,
      ...sinkFlags,
      label: requiredTextFlag('Label, 1 to 100 characters', 'text'),
      permissionSet: textFlag('Permission set that gives the key its scopes', 'name'),
      scopes: many('Scopes instead of a permission set, separated by commas', 'a,b'),
      owner: choice('Owner; user makes a personal key', ['organization', 'user']),
      description: textFlag('Description', 'text'),
      ...expiryFlags,
      metadata: repeated('Entry of your own; may be repeated', 'name=value'),
      addresses: many('Addresses and CIDR ranges that the key is accepted from', 'a,b'),
      rateLimit: {
        kind: 'parsed',
        parse: rateLimit,
        optional: true,
        brief: 'Rate limit of the key, such as 1000/60s',
        placeholder: 'n/s',
      },
      concurrency: numberFlag('Requests in flight at the same time', 1, 1_000_000),
      dryRun: switchFlag('Let the service judge the key, and create nothing'),
    },
    positional: { kind: 'array', parameter: program },
    aliases: { l: 'label', p: 'permissionSet' },
  },
  docs: {
    brief: 'Create a key, and put its secret in one place',
    fullDescription:
      'Create a key, and put its secret in one place. The place is checked before the key is made; a key whose secret did not arrive there is revoked.',
  },
});

const rotate = buildCommand({
  loader: async () => (await import('./rotate.ts')).rotateKey,
  parameters: {
    flags: {
      ...callFlags,
      ...confirmFlags,
      ...sinkFlags,
      graceSeconds: {
        kind: 'parsed',
        parse: wholeNumber(0, 10_000_000),
        optional: true,
        brief: 'How long the old secret still works; 0 unless given',
        placeholder: 'n',
      },
    },
    positional: {
      kind: 'array',
      parameter: { ...program, brief: 'Id of the key; with --exec the program after it', placeholder: 'id' },
      minimum: 1,
    },
  },
  docs: { brief: 'Replace a key by a new one with the same permissions' },
});

const revoke = buildCommand({
  loader: async () => (await import('./revoke.ts')).revokeKey,
  parameters: { flags: { ...callFlags, ...confirmFlags }, positional: key },
  docs: { brief: 'Revoke a key: requests with it are refused at once' },
});

const suspend = buildCommand({
  loader: async () => (await import('./suspend.ts')).suspendKey,
  parameters: {
    flags: { ...callFlags, ...confirmFlags, reason: textFlag('Reason, up to 200 characters', 'text') },
    positional: key,
  },
  docs: { brief: 'Suspend a key: requests with it are refused until it is resumed' },
});

const resume = buildCommand({
  loader: async () => (await import('./resume.ts')).resumeKey,
  parameters: { flags: callFlags, positional: key },
  docs: { brief: 'Resume a suspended key: it works again, with the same secret' },
});

const extend = buildCommand({
  loader: async () => (await import('./extend.ts')).extendKey,
  parameters: { flags: { ...callFlags, ...expiryFlags }, positional: key },
  docs: { brief: 'Move the expiry of a key' },
});

const usage = buildCommand({
  loader: async () => (await import('./usage.ts')).showUsage,
  parameters: {
    flags: { ...callFlags, ...rangeFlags },
    positional: {
      kind: 'tuple',
      parameters: [{ brief: 'Id of the key; all keys unless given', parse: text, placeholder: 'id', optional: true }],
    },
  },
  docs: { brief: 'Show how often keys were used' },
});

const verify = buildCommand({
  loader: async () => (await import('./verify.ts')).verifyKey,
  parameters: {
    flags: {
      ...callFlags,
      keyFile: textFlag('File with the key; standard input unless given', 'file'),
      scopes: many('Scopes that the key needs', 'a,b'),
      environment: choice('Environment whose keys are accepted; live unless given', ['live', 'test', 'any']),
    },
  },
  docs: { brief: 'Verify a key from standard input; exits with 1 for one that is not valid' },
});

export const keyRoutes = buildRouteMap({
  routes: { list, review, show, create, rotate, suspend, resume, revoke, extend, usage, verify },
  docs: { brief: 'Create, watch, rotate, suspend and revoke keys' },
});
