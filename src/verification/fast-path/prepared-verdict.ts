import { asciiJson } from '../../http/fast-path/ascii-json.ts';
import type { Operation, Posture } from '../../tenants/posture.ts';
import type { Billing, Decision } from '../decide.ts';
import { makeRecentAnswers } from './recent-answers.ts';
import { viewOfBilling, viewOfKey, viewOfLimits, viewOfVerdict } from '../verdict-view.ts';

const keyPart = makeRecentAnswers((record) => inner({ valid: true, code: 'valid', ...viewOfKey(record) }));

const NO_LIMITS = inner(viewOfLimits(undefined));

/** Returns `viewOfVerdict` as ASCII JSON. The unchanging part of a valid key is serialized once. */
export function preparedVerdict(decision: Decision): string {
  const { code, resolved, taken, billing, at } = decision;
  if (!resolved || !billing || code !== 'valid') return asciiJson(viewOfVerdict(decision));
  const { record, source, staleMs, stale } = resolved;
  const limits = taken ? inner(viewOfLimits(taken)) : NO_LIMITS;
  const rest = `"billing":${billingPart(billing)},"checked_at":"${isoOf(at)}"`;
  return `{${keyPart(record)},${limits},${rest},"source":"${source}","stale_ms":${staleMs},"stale":${stale}}`;
}

// One configuration allows the same operations each time in a posture that no clock ends.
const lasting = new WeakMap<readonly Operation[], Map<Posture, string>>();

function billingPart(billing: Billing): string {
  if (billing.until) return asciiJson(viewOfBilling(billing));
  const ofPostures = lasting.get(billing.allows) ?? new Map<Posture, string>();
  let known = ofPostures.get(billing.posture);
  if (known === undefined) {
    known = asciiJson(viewOfBilling(billing));
    lasting.set(billing.allows, ofPostures.set(billing.posture, known));
  }
  return known;
}

// Many verdicts share a millisecond.
const latest = { ms: Number.NaN, iso: '' };

function isoOf(at: Date): string {
  const ms = at.getTime();
  if (ms !== latest.ms) {
    latest.ms = ms;
    latest.iso = at.toISOString();
  }
  return latest.iso;
}

/** The fields that stay the same until the key changes. */
const LASTING: ReadonlySet<string> = new Set([
  'valid',
  'code',
  'id',
  'organization_id',
  'environment',
  'owner',
  'label',
  'permission_set',
  'scopes',
  'expires_at',
  'ip_restricted',
]);

/** Whether a field of a valid key's verdict, by dotted path, stays the same until the key changes. */
export function isLasting(field: string): boolean {
  return LASTING.has(field.split('.', 1)[0]!);
}

/**
 * Some members of an answer, in their order: those that stay the same until the key changes, those that do not, or all of
 * them together.
 */
export type Segment = { of: 'lasting' | 'changing' | 'all'; present: (verdict: object) => object };

/** Makes the writer of verdicts that have other names. The unchanging parts of a valid key are serialized once. */
export function makePresentedVerdict(segments: readonly Segment[]): (decision: Decision) => string {
  const lastingOf = makeRecentAnswers((record) => {
    const view = { valid: true, code: 'valid', ...viewOfKey(record) };
    return segments.map((one) => (one.of === 'lasting' ? inner(one.present(view)) : undefined));
  });
  const isAll = segments.some((one) => one.of === 'all');
  return (decision) => {
    const { code, resolved } = decision;
    const parts = code === 'valid' && resolved && !isAll ? lastingOf(resolved.record) : undefined;
    const view = parts ? viewOfMoment(decision) : viewOfVerdict(decision);
    let json = '';
    for (const [i, one] of segments.entries()) {
      const part = parts?.[i] ?? inner(one.present(view));
      if (part !== '') json += json === '' ? part : `,${part}`;
    }
    return `{${json}}`;
  };
}

/** Returns the part of a valid key's verdict that is of this moment. */
function viewOfMoment({ resolved, taken, billing, at }: Decision) {
  return {
    ...viewOfLimits(taken),
    billing: billing ? viewOfBilling(billing) : null,
    checked_at: isoOf(at),
    source: resolved?.source ?? null,
    stale_ms: resolved?.staleMs ?? 0,
    stale: resolved?.stale ?? false,
  };
}

/** Returns an object's JSON without its braces. */
function inner(value: object): string {
  return asciiJson(value).slice(1, -1);
}
