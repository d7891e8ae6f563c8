import type { ApiKey } from '../../client/shapes.ts';
import type { Context } from '../context.ts';
import { column } from '../output/print.ts';
import type { Column } from '../output/table.ts';
import { timeText } from '../output/times.ts';

const scopesOf = ({ permission_set: set, scopes }: ApiKey) => set ?? scopes.join(',');
const ownerOf = ({ owner }: ApiKey) => (owner.type === 'user' ? owner.id : 'organization');

const actorText = ({ name, kind, id }: ApiKey['created_by']) => name ?? `${kind} ${id}`;

const ofKey =
  (valueOf: (key: ApiKey) => string) =>
  (row: object): string =>
    valueOf(row as ApiKey);

export function keyColumns(context: Context): Column[] {
  return [
    column('ID', 'id'),
    column('LABEL', 'label'),
    column('STATUS', 'status'),
    ['PERMISSIONS', ofKey(scopesOf)],
    column('ENVIRONMENT', 'environment'),
    ['LAST USED', ofKey((key) => timeText(context, key.last_used_at))],
    ['EXPIRES', ofKey((key) => timeText(context, key.expires_at))],
  ];
}

/** When, by whom and why; a service of before suspensions says nothing of them. */
function suspensionText(context: Context, key: ApiKey): string {
  const { suspended_at: at, suspended_by: by, suspension_reason: reason } = key;
  if (!at || !by) return '-';
  return `${timeText(context, at)} by ${actorText(by)}${reason === null ? '' : `: ${reason}`}`;
}

/** Everything that a person asks of one key. */
export function keyFacts(context: Context): Column[] {
  const [id, ...others] = keyColumns(context);
  return [
    id!,
    column('KEY', 'prefix'),
    ...others,
    column('SCOPES', 'effective_scopes'),
    ['OWNER', ofKey(ownerOf)],
    ['SUSPENDED', ofKey((key) => suspensionText(context, key))],
    ['LEAKED', ofKey((key) => timeText(context, key.leaked_at ?? null))],
    ['CREATED', ofKey((key) => timeText(context, key.created_at))],
    ['CREATED BY', ofKey(({ created_by: by }) => actorText(by))],
    column('DESCRIPTION', 'description'),
    column('METADATA', 'metadata'),
    column('RATE LIMIT', 'rate_limit'),
    column('CONCURRENCY', 'concurrency'),
    column('ADDRESSES', 'ip_allow_list'),
    column('ROTATED FROM', 'rotated_from'),
    column('ROTATED TO', 'rotated_to'),
  ];
}
