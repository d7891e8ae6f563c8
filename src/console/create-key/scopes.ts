import type { PermissionGroup } from '../../client/client.ts';

/** Groups with the scopes that a key may have and that contain a text, in name or description. Capitals do not matter. */
export function findScopes(groups: readonly PermissionGroup[], sought: string): PermissionGroup[] {
  const text = sought.trim().toLowerCase();
  return groups
    .map((group) => ({
      ...group,
      permissions: group.permissions.filter(
        ({ name, description, grantable }) =>
          grantable && (name.toLowerCase().includes(text) || description.toLowerCase().includes(text)),
      ),
    }))
    .filter(({ permissions }) => permissions.length > 0);
}

/** The scopes that chosen ones imply, at any distance, each with the chosen one that brings it. */
export function heldBy(chosen: readonly string[], groups: readonly PermissionGroup[]): Map<string, string> {
  const implied = new Map(groups.flatMap(({ permissions }) => permissions.map(({ name, implies }) => [name, implies])));
  const held = new Map<string, string>();
  for (const origin of chosen) {
    const waiting = [...(implied.get(origin) ?? [])];
    for (let name = waiting.pop(); name !== undefined; name = waiting.pop()) {
      if (held.has(name) || name === origin) continue;
      held.set(name, origin);
      waiting.push(...(implied.get(name) ?? []));
    }
  }
  return held;
}
