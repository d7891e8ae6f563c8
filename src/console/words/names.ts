import type { PageWords, Words } from './words.ts';

const POSTURES: Readonly<Record<string, keyof Words>> = {
  active: 'postureActive',
  trial: 'postureTrial',
  past_due: 'posturePastDue',
  decommissioning: 'postureDecommissioning',
  trial_expired: 'postureTrialExpired',
  grace: 'postureGrace',
  unknown: 'postureUnknown',
};

const CODES: Readonly<Record<string, keyof PageWords>> = {
  valid: 'codeValid',
  revoked: 'codeRevoked',
  expired: 'codeExpired',
  suspended: 'codeSuspended',
  environment_mismatch: 'codeEnvironmentMismatch',
  insufficient_scope: 'codeInsufficientScope',
  ip_not_allowed: 'codeIpNotAllowed',
  billing_inactive: 'codeBillingInactive',
  rate_limited: 'codeRateLimited',
  concurrency_limited: 'codeConcurrencyLimited',
};

const DELIVERY_STATUSES: Readonly<Record<string, keyof PageWords>> = {
  pending: 'deliveryPending',
  retrying: 'deliveryRetrying',
  delivered: 'deliveryDelivered',
  failed: 'deliveryFailed',
};

export const postureName = (posture: string, words: Words): string => named(POSTURES, posture, words);
/** The outcome of a verification, in words. */
export const codeName = (code: string, words: PageWords): string => named(CODES, code, words);

export const deliveryStatusName = (status: string, words: PageWords): string => named(DELIVERY_STATUSES, status, words);

/** `api_key.created` as `API key created`, for names that a product invents. */
export function spaced(name: string): string {
  const text = name.replaceAll(/[._-]+/g, ' ').replaceAll(/\b(?:api|ci|ip)\b/g, (word) => word.toUpperCase());
  return text.charAt(0).toUpperCase() + text.slice(1);
}

function named<W extends Words>(names: Readonly<Record<string, keyof W>>, name: string, words: W): string {
  const word = names[name];
  const text = word === undefined ? undefined : words[word];
  return typeof text === 'string' ? text : spaced(name);
}
