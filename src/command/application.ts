import { buildApplication, buildCommand, buildRouteMap, text_en } from '@stricli/core';
import type { Application } from '@stricli/core';
import { auditRoutes } from './audit/routes.ts';
import { ciRoutes } from './ci/routes.ts';
import type { Context } from './context.ts';
import { callFlags, connectionFlags, switchFlag, textFlag } from './flags.ts';
import { keyRoutes } from './keys/routes.ts';
import { billingRoutes } from './organization/routes.ts';
import { configRoutes, init, scan } from './project/routes.ts';

const login = buildCommand({
  loader: async () => (await import('./login/login.ts')).login,
  parameters: {
    flags: {
      ...connectionFlags,
      org: textFlag('Organization of the session, for people of several', 'id'),
      withToken: switchFlag('Store a service token or machine token from standard input instead'),
      machine: switchFlag('Sign a machine in: an M2M application of WorkOS, whose secret is read from standard input'),
      clientId: textFlag('Id of the M2M application', 'id'),
      inFile: switchFlag('Store the credential plain in the file, without the keychain'),
    },
  },
  docs: { brief: 'Sign in by a code that you confirm in a browser' },
});

const logout = buildCommand({
  loader: async () => (await import('./login/logout.ts')).logout,
  parameters: { flags: connectionFlags },
  docs: { brief: 'Sign out, and forget the credential' },
});

const whoami = buildCommand({
  loader: async () => (await import('./login/whoami.ts')).whoami,
  parameters: { flags: callFlags },
  docs: { brief: 'Show whose credential this is, and what it may do' },
});

const sets = buildCommand({
  loader: async () => (await import('./organization/permissions.ts')).listSets,
  parameters: { flags: callFlags },
  docs: { brief: 'List the permission sets that keys are made from' },
});

const scopes = buildCommand({
  loader: async () => (await import('./organization/permissions.ts')).listScopes,
  parameters: { flags: callFlags },
  docs: { brief: 'List the scopes that keys can have' },
});

const org = buildCommand({
  loader: async () => (await import('./organization/org.ts')).showOrganization,
  parameters: { flags: callFlags },
  docs: { brief: 'Show the organization: plan, limits, and what its billing allows' },
});

const { json } = callFlags;
const doctor = buildCommand({
  loader: async () => (await import('./doctor/doctor.ts')).doctor,
  parameters: { flags: { ...connectionFlags, json } },
  docs: { brief: 'Look for what keeps commands and CI jobs from working; exits with 1 for a problem' },
});

const completion = buildCommand({
  loader: async () => (await import('./completion/completion.ts')).printCompletion,
  parameters: {
    positional: {
      kind: 'tuple',
      parameters: [
        {
          brief: 'bash, zsh or fish',
          parse: (input: string) => input,
          placeholder: 'shell',
          proposeCompletions: () => ['bash', 'zsh', 'fish'],
        },
      ],
    },
  },
  docs: { brief: 'Print the completion of a shell' },
});

// For --help: the service's own package reads its arguments.
const installed = (brief: string) =>
  buildCommand({
    func: (_flags: object, ..._args: string[]) => undefined,
    parameters: {
      positional: {
        kind: 'array',
        parameter: { brief: 'Command and its arguments', parse: String, placeholder: 'command' },
      },
    },
    docs: { brief },
  });
const server = installed('Operate the service: serve, migrate, reconcile, webhooks, audit verify and more');
const dev = installed('Start the service with an embedded database and a local WorkOS');

const root = buildRouteMap({
  routes: {
    login,
    logout,
    whoami,
    keys: keyRoutes,
    sets,
    scopes,
    org,
    billing: billingRoutes,
    audit: auditRoutes,
    ci: ciRoutes,
    init,
    config: configRoutes,
    scan,
    doctor,
    server,
    dev,
    completion,
  },
  docs: { brief: 'API keys for products on WorkOS' },
});

/** The command `latchkey`. What a command does is loaded when it runs, so that `--help` loads no more than it prints. */
export function makeApplication(version: string): Application<Context> {
  return buildApplication(root, {
    name: 'latchkey',
    versionInfo: { currentVersion: version },
    scanner: { caseStyle: 'allow-kebab-for-camel', allowArgumentEscapeSequence: true },
    documentation: { onlyRequiredInUsageLine: true },
    localization: { text: { ...text_en, exceptionWhileRunningCommand: String } },
  });
}
