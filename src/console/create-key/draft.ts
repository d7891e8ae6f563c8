import type { CreateApiKey, Environment, KeyOwner } from '../../client/client.ts';
import type { Console } from '../data/console.ts';
import type { Query } from '../data/location.ts';
import { readExpiry, usualExpiry } from '../settings/expiry.ts';
import type { ExpiryChoice } from '../settings/expiry.ts';
import { NO_SETTINGS, readSettings } from '../settings/settings.ts';
import type { Settings } from '../settings/settings.ts';

/** A key that is being described. */
export type Draft = {
  label: string;
  owner: KeyOwner['type'];
  environment: Environment;
  /** Whether its scopes are those of a set, or chosen one by one. */
  from: 'set' | 'scopes';
  set: string | undefined;
  scopes: readonly string[];
  expiry: ExpiryChoice;
  settings: Settings;
};

/** The form as it opens: the usual values, and what the address gives. */
export function firstDraft(facts: Console, query: Query): Draft {
  const { product, may } = facts;
  const scopes = (query['scopes'] ?? '').split(/[\s,]+/).filter((scope) => scope !== '');
  return {
    label: query['label'] ?? '',
    owner: product.owners.find((owner) => may.ownedBy(owner)) ?? product.owners[0]!,
    environment: query['environment'] === 'test' && product.environments.includes('test') ? 'test' : 'live',
    from: product.permission_sets && scopes.length === 0 ? 'set' : 'scopes',
    set: query['set'],
    scopes,
    expiry: usualExpiry(facts),
    settings: NO_SETTINGS,
  };
}

/** What the API takes. */
export function readDraft({ label, owner, environment, from, set, scopes, expiry, settings }: Draft): CreateApiKey {
  const { description, rate_limit: rate, concurrency, ip_allow_list: addresses } = readSettings(settings);
  return {
    label: label.trim(),
    owner,
    ...(environment === 'test' && { environment }),
    ...(from === 'set' ? { permission_set: set } : { scopes }),
    ...readExpiry(expiry),
    ...(description !== null && { description }),
    ...(rate !== null && { rate_limit: rate }),
    ...(concurrency !== null && { concurrency }),
    ...(addresses.length > 0 && { ip_allow_list: addresses }),
  };
}
