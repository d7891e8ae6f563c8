import { UNSET } from '../../api-keys/key.ts';
import type { KeyTemplate } from '../../api-keys/key.ts';
import { invalidFields } from '../../http/validate.ts';
import type { Claims } from '../conditions/condition.ts';
import { assertWithinPolicy } from '../policies/ceiling.ts';
import type { Offered } from '../policies/ceiling.ts';
import type { Policy } from '../policies/policy.ts';
import type { ExchangeBody } from './exchange-schemas.ts';
import type { ProvenJob } from './prove-job.ts';

type Sent = Pick<ExchangeBody, 'permission_set' | 'scopes' | 'environment' | 'lifetime_seconds'>;

const PLAIN = /^[\x21-\x7e](?:[\x20-\x7e]{0,198}[\x21-\x7e])?$/;
const MAX_LABEL = 100;

/**
 * Returns the key that a job asks for, within what its policy allows. What the request leaves out is the policy's, where that
 * leaves no choice.
 * @throws AppError `permission_denied` beyond the policy, `validation_error` where a choice is needed
 */
export function wantedKey({ policy, issuer, token }: ProvenJob, sent: Sent, offered: Offered, now: Date): KeyTemplate {
  const { environment = policy.environments[0]!, lifetime_seconds: seconds = policy.maxLifetimeSeconds } = sent;
  const choice = choiceOf(policy, sent);
  const { permissionSet } = choice;
  assertWithinPolicy(policy, { ...choice, environment, lifetimeSeconds: seconds }, offered);
  return {
    ...UNSET,
    label: `CI: ${policy.name}`.slice(0, MAX_LABEL),
    metadata: metadataOf(issuer.rules.metadata, token.claims),
    environment,
    ownerUserId: undefined,
    permissionSet,
    scopes: permissionSet === undefined ? (choice.scopes ?? []) : offered.scopesOf(permissionSet),
    expiresAt: new Date(now.getTime() + seconds * 1_000),
    rotatedFrom: undefined,
  };
}

type Chosen = { permissionSet: string | undefined; scopes: readonly string[] | undefined };

function choiceOf({ permissionSets, scopes: allowed }: Policy, sent: Sent): Chosen {
  const { permission_set: permissionSet, scopes } = sent;
  if (permissionSet !== undefined || scopes !== undefined) return { permissionSet, scopes };
  const [only, ...others] = permissionSets;
  if (only !== undefined && others.length === 0 && allowed.length === 0)
    return { permissionSet: only, scopes: undefined };
  if (only === undefined) return { permissionSet: undefined, scopes: allowed };
  throw invalidFields({ permission_set: 'The CI policy allows several. Choose one.' });
}

/** Returns run, commit and actor, where the token names them in plain characters. */
export function metadataOf(names: Readonly<Record<string, string>>, claims: Claims): Record<string, string> {
  return Object.fromEntries(
    Object.entries(names).flatMap(([claim, name]) => {
      const value = Object.hasOwn(claims, claim) ? claims[claim] : undefined;
      const text = typeof value === 'string' || typeof value === 'number' ? String(value) : '';
      return PLAIN.test(text) ? [[name, text]] : [];
    }),
  );
}
