import { isDeepStrictEqual } from 'node:util';
import type { CiPolicy, CreateCiPolicy, UpdateCiPolicy } from '../../client/client.ts';
import { CommandFailure, EXIT } from '../failure.ts';

export type PolicyChange =
  | { kind: 'create'; name: string; policy: CreateCiPolicy }
  | { kind: 'update'; name: string; id: string; change: UpdateCiPolicy }
  | { kind: 'delete'; name: string; id: string };

/** Returns what makes the policies those wanted, by their names. Fields that are not given stay; others go with `prune`. */
export function changesTo(
  there: readonly CiPolicy[],
  wanted: readonly CreateCiPolicy[],
  prune: boolean,
): PolicyChange[] {
  const known = new Map(there.map((policy) => [policy.name, policy]));
  const names = new Set(wanted.map(({ name }) => name));
  return [
    ...wanted.flatMap((policy) => changeOf(known.get(policy.name), policy)),
    ...there
      .filter(({ name }) => prune && !names.has(name))
      .map(({ name, id }): PolicyChange => ({ kind: 'delete', name, id })),
  ];
}

function changeOf(known: CiPolicy | undefined, wanted: CreateCiPolicy): PolicyChange[] {
  const { name } = wanted;
  if (!known) return [{ kind: 'create', name, policy: wanted }];
  const { issuer, issuer_organization: organization, ...settings } = wanted;
  if (issuer !== known.issuer || (organization ?? null) !== known.issuer_organization)
    throw new CommandFailure(EXIT.usage, `${name} has another issuer here. Delete it first, or choose another name.`);
  const changed = Object.entries(settings).filter(
    ([field, value]) => !isDeepStrictEqual(value, known[field as keyof CiPolicy]),
  );
  return changed.length === 0 ? [] : [{ kind: 'update', name, id: known.id, change: Object.fromEntries(changed) }];
}
