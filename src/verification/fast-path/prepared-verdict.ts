import { asciiJson } from '../../http/fast-path/ascii-json.ts';
import type { Operation, Posture } from '../../tenants/posture.ts';
import type { Billing, Decision } from '../decide.ts';
import type { MirrorRecord } from '../mirror-record.ts';
import { viewOfBilling, viewOfKey, viewOfLimits, viewOfVerdict } from '../verdict-view.ts';

// A record is replaced whenever its key changes.
const prepared = new WeakMap<MirrorRecord, string>();

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

function keyPart(record: MirrorRecord): string {
  let known = prepared.get(record);
  if (known === undefined) {
    known = inner({ valid: true, code: 'valid', ...viewOfKey(record) });
    prepared.set(record, known);
  }
  return known;
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

/** Returns an object's JSON without its braces. */
function inner(value: object): string {
  return asciiJson(value).slice(1, -1);
}
