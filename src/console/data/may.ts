import type { ApiKey, Organization, Product, Session } from '../../client/client.ts';

export type Me = Extract<Session, { kind: 'user' }>;
export type May = ReturnType<typeof makeMay>;

/** Why something cannot be done now; undefined when it can. */
export type Obstacle = 'permission' | 'billing' | 'impersonated' | undefined;

const READ = ['apikeys:read', 'apikeys:write', 'apikeys:read:own', 'apikeys:write:own'];

/** Says what the caller may do: by scopes, by billing, and as an impersonator. The server decides; this only explains. */
export function makeMay(
  me: Me,
  organization: Pick<Organization, 'allowed'>,
  { webhook_deliveries: deliveries }: Pick<Product, 'webhook_deliveries'>,
) {
  const has = (scope: string) => me.permissions.includes(scope);
  const isOwn = (key: Pick<ApiKey, 'owner'>) => key.owner.type === 'user' && key.owner.id === me.user_id;
  const writes = (key: Pick<ApiKey, 'owner'>) => has('apikeys:write') || (has('apikeys:write:own') && isOwn(key));
  const changing = (isPermitted: boolean): Obstacle => {
    if (!isPermitted) return 'permission';
    if (me.impersonator) return 'impersonated';
    return organization.allowed.includes('create') ? undefined : 'billing';
  };
  return {
    read: READ.some(has),
    readAll: has('apikeys:read') || has('apikeys:write'),
    audit: has('audit:read'),
    deliveries: deliveries !== null && has(deliveries.read_scope),
    replay: changing(deliveries !== null && has(deliveries.replay_scope)),
    writeSome: has('apikeys:write') || has('apikeys:write:own'),
    own: isOwn,
    /** Who can own a key that the caller creates. */
    ownedBy: (owner: ApiKey['owner']['type']) => has('apikeys:write') || (owner === 'user' && has('apikeys:write:own')),
    create: changing(has('apikeys:write') || has('apikeys:write:own')),
    /** What concerns the whole organization: its addresses and CI policies. */
    administer: changing(has('apikeys:write')),
    /** Rotating and editing. */
    change: (key: Pick<ApiKey, 'owner'>) => changing(writes(key)),
    revoke(key: Pick<ApiKey, 'owner'>): Obstacle {
      if (!writes(key)) return 'permission';
      return organization.allowed.includes('wind_down') ? undefined : 'billing';
    },
  };
}
