import { buildCommand, buildRouteMap } from '@stricli/core';
import { callFlags, connectionFlags, numberFlag, textFlag } from '../flags.ts';

const filterFlags = {
  action: {
    kind: 'parsed',
    parse: (input: string) => input,
    variadic: ',',
    optional: true,
    brief: 'Actions, such as api_key.created, separated by commas',
    placeholder: 'a,b',
  },
  target: textFlag('Id that was acted on', 'id'),
  actor: textFlag('Id of the actor', 'id'),
} as const;
const rangeFlags = {
  from: textFlag('Events at this time or later, in ISO 8601', 'time'),
  to: textFlag('Events before this time, in ISO 8601', 'time'),
} as const;

const list = buildCommand({
  loader: async () => (await import('./list.ts')).listEvents,
  parameters: {
    flags: {
      ...callFlags,
      ...filterFlags,
      ...rangeFlags,
      limit: numberFlag('How many events; 20 unless given', 1, 100),
    },
  },
  docs: { brief: 'List events, newest first' },
});

const { json } = callFlags;
const tail = buildCommand({
  loader: async () => (await import('./list.ts')).tailEvents,
  parameters: { flags: { ...connectionFlags, ...filterFlags, json } },
  docs: { brief: 'Print events as they come, until Ctrl-C' },
});

const exportEvents = buildCommand({
  loader: async () => (await import('./export.ts')).exportEvents,
  parameters: {
    flags: {
      ...connectionFlags,
      ...filterFlags,
      ...rangeFlags,
      out: textFlag('Write to a new file, which is there once it is whole; standard output unless given', 'file'),
    },
  },
  docs: { brief: 'Print all events as CSV' },
});

export const auditRoutes = buildRouteMap({
  routes: { list, tail, export: exportEvents },
  docs: { brief: 'Read the audit log of the organization' },
});
