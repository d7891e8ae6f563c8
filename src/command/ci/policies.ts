import { readFile } from 'node:fs/promises';
import { load } from 'js-yaml';
import type { CiPolicy, CreateCiPolicy, LatchkeyClient } from '../../client/client.ts';
import { confirm } from '../confirm.ts';
import { connect } from '../connection.ts';
import { toStderr } from '../context.ts';
import type { Context } from '../context.ts';
import { CommandFailure, EXIT } from '../failure.ts';
import type { CallFlags, ConfirmFlags } from '../flags.ts';
import { column, printJson, printList } from '../output/print.ts';
import { check, command } from '../run.ts';
import type { Outcome } from '../run.ts';
import { describePast, judgeChanges } from './past-exchanges.ts';
import { changesTo } from './policy-changes.ts';
import type { PolicyChange } from './policy-changes.ts';

const PAGE = 100;

export type ApplyFlags = CallFlags & ConfirmFlags & { prune?: boolean };
export type DeleteFlags = CallFlags & ConfirmFlags & { revokeKeys?: boolean };
export type DiffFlags = CallFlags & { prune?: boolean };

const COLUMNS = [
  column('ID', 'id'),
  column('NAME', 'name'),
  column('ISSUER', 'issuer'),
  column('ENABLED', 'enabled'),
  column('PERMISSION SETS', 'permission_sets'),
  column('AUDIENCE', 'audience'),
  column('WHEN', 'when'),
];

export const listPolicies = command(async (context: Context, flags: CallFlags): Promise<Outcome> => {
  const data = await readAll(await connect(context, flags), context);
  printList(context, flags, { data }, { columns: COLUMNS, rows: data, empty: 'No CI policies.' });
  return undefined;
});

/** Shows what `apply` would change, and what that makes of past exchanges; exits with 1 where it would change something. */
export const diffPolicies = check(async (context: Context, flags: DiffFlags, file: string): Promise<Outcome> => {
  const client = await connect(context, flags);
  const there = await readAll(client, context);
  const wanted = changesTo(there, await readFromFile(file), flags.prune ?? false);
  const changes = await judgeChanges(client, context, there, wanted);
  if (flags.json) printJson(context, { data: changes });
  else context.process.stdout.write(changes.map((change) => `${describe(change)}\n${describePast(change)}`).join(''));
  return changes.length === 0 ? EXIT.done : EXIT.failed;
});

/** Makes the organization's policies those of a file, by their names. */
export const applyPolicies = command(async (context: Context, flags: ApplyFlags, file: string): Promise<Outcome> => {
  const client = await connect(context, flags);
  const changes = changesTo(await readAll(client, context), await readFromFile(file), flags.prune ?? false);
  const ending = changes.filter(({ kind }) => kind === 'delete');
  if (ending.length > 0) await confirm(context, flags, `Delete ${ending.map(({ name }) => name).join(', ')}?`);
  for (const change of changes) {
    context.signal.throwIfAborted();
    await apply(client, change);
    toStderr(context, `${describe(change)}\n`);
  }
  if (flags.json) printJson(context, { data: await readAll(client, context) });
  return undefined;
});

export const deletePolicy = command(async (context: Context, flags: DeleteFlags, id: string): Promise<Outcome> => {
  const client = await connect(context, flags);
  const { name } = await client.ci.policies.get(id, { signal: context.signal });
  const keys = flags.revokeKeys ? 'Keys that it gave are revoked.' : 'Keys that it gave live until their expiry.';
  await confirm(context, flags, `Delete the CI policy ${name}? Its jobs get no more keys. ${keys}`);
  const ended = await client.ci.policies.delete(id, { revoke_keys: flags.revokeKeys }, { signal: context.signal });
  if (flags.json) printJson(context, ended);
  else toStderr(context, `Deleted ${id}${flags.revokeKeys ? ` and revoked ${ended.revoked_keys} of its keys` : ''}.\n`);
  return undefined;
});

async function apply({ ci: { policies } }: LatchkeyClient, change: PolicyChange): Promise<void> {
  if (change.kind === 'create') await policies.create(change.policy);
  else if (change.kind === 'update') await policies.update(change.id, change.change);
  else await policies.delete(change.id);
}

const SIGNS = { create: '+', update: '~', delete: '-' } as const;

function describe(change: PolicyChange): string {
  const fields = change.kind === 'update' ? `: ${Object.keys(change.change).join(', ')}` : '';
  return `${SIGNS[change.kind]} ${change.name}${fields}`;
}

async function readAll(client: LatchkeyClient, { signal }: Context): Promise<CiPolicy[]> {
  const data: CiPolicy[] = [];
  let after: string | null = null;
  do {
    const page: Awaited<ReturnType<typeof client.ci.policies.list>> = await client.ci.policies.list(
      { limit: PAGE, ...(after !== null && { after }) },
      { signal },
    );
    data.push(...page.data);
    after = page.list_metadata.after;
  } while (after !== null);
  return data;
}

/** Reads policies from YAML or JSON: a list, each with a name of its own. The service judges their fields. */
async function readFromFile(file: string): Promise<CreateCiPolicy[]> {
  let read: unknown;
  try {
    read = load(await readFile(file, 'utf8'));
  } catch (error) {
    throw new CommandFailure(EXIT.usage, `${file} cannot be read: ${(error as Error).message}`, { cause: error });
  }
  const names = Array.isArray(read) ? read.map((each) => (each as { name?: unknown } | null)?.name) : [];
  if (!Array.isArray(read) || names.some((name) => typeof name !== 'string') || new Set(names).size < names.length)
    throw new CommandFailure(EXIT.usage, `${file} needs a list of policies, each with a name of its own.`);
  return read as CreateCiPolicy[];
}
