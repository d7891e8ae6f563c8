import { z } from 'zod';
import { text } from '../http/text.ts';
import { IpAllowList } from '../ip/ip-allow-list.ts';
import { normalizeRanges } from '../ip/ip-range.ts';
import type { RateLimit } from '../limits/limits.ts';
import type { KeySettings } from './key.ts';

const MAX_METADATA_ENTRIES = 50;

const RateLimitView = z
  .strictObject({
    limit: z.int().min(1).max(10_000_000).describe('Most requests in one window.'),
    window_seconds: z.int().min(1).max(86_400).describe('Length of a window.'),
  })
  .meta({ id: 'RateLimit' });

const label = text({ min: 1, max: 100 }).describe('The name that people see.');
const description = text({ min: 0, max: 500, multiline: true }).describe('What the key is for.');
const metadata = z
  .record(text({ min: 1, max: 40 }), text({ min: 0, max: 500 }))
  .refine(
    (entries) => Object.keys(entries).length <= MAX_METADATA_ENTRIES,
    `Give at most ${MAX_METADATA_ENTRIES} entries.`,
  )
  .meta({ maxProperties: MAX_METADATA_ENTRIES })
  .describe('Your own data on the key, string to string.');
const rateLimit = RateLimitView.describe(
  "At most `limit` requests in each window; a window begins with its first request. Cannot exceed the plan's maximum. If null or omitted, the limits of the permission set and the plan apply.",
);
const concurrency = z
  .int()
  .min(1)
  .max(100_000)
  .describe(
    "Requests in flight at the same time. Cannot exceed the plan's maximum. If null or omitted, the limits of the permission set and the plan apply.",
  );
const ipAllowList = IpAllowList.describe(
  "Addresses and CIDR ranges that the key may be used from, in addition to the organization's own list. If null or empty, from everywhere.",
);

/** As a change names them: null clears a setting, and one that is omitted stays. */
export const changedSettings = {
  label: label.optional(),
  description: description.nullish(),
  metadata: metadata.optional().describe('Your own data on the key, string to string. Replaces all entries.'),
  rate_limit: rateLimit.nullish(),
  concurrency: concurrency.nullish(),
  ip_allow_list: ipAllowList.nullish(),
};

/** As a new key names them. */
export const newSettings = {
  ...changedSettings,
  label,
  description: description.optional(),
  metadata: metadata.optional(),
};

/** As answers show them. */
export const shownSettings = {
  label: z.string().describe('The name that people see.'),
  description: z.string().nullable(),
  metadata: z.record(z.string(), z.string()),
  rate_limit: RateLimitView.nullable().describe("The key's own; null: those of its permission set and plan apply."),
  concurrency: z.int().nullable().describe("The key's own; null: those of its permission set and plan apply."),
  ip_allow_list: z
    .array(z.string())
    .describe('Addresses and CIDR ranges that the key may be used from; empty: from everywhere.'),
};

type Sent = z.output<z.ZodObject<typeof changedSettings>>;
type Shown = z.input<z.ZodObject<typeof shownSettings>>;
type Name = keyof KeySettings;

/** Each setting's name in JSON. `recorded`: the audit log has its value; of free text it has only that it changed. */
const SETTINGS = {
  label: { json: 'label', recorded: false },
  description: { json: 'description', recorded: false },
  metadata: { json: 'metadata', recorded: false },
  rateLimit: { json: 'rate_limit', recorded: true },
  concurrency: { json: 'concurrency', recorded: true },
  ipAllowList: { json: 'ip_allow_list', recorded: true },
} as const satisfies Record<Name, { json: keyof Sent; recorded: boolean }>;
const NAMES = Object.keys(SETTINGS) as Name[];

/** Reads the settings that a body names. A setting that it clears is there as undefined. */
export function readSettings(sent: Sent): Partial<KeySettings> {
  const all: { [N in Name]: KeySettings[N] | undefined } = {
    label: sent.label,
    description: sent.description ?? undefined,
    metadata: sent.metadata,
    rateLimit: sent.rate_limit
      ? { limit: sent.rate_limit.limit, windowSeconds: sent.rate_limit.window_seconds }
      : undefined,
    concurrency: sent.concurrency ?? undefined,
    ipAllowList: normalizeRanges(sent.ip_allow_list ?? []),
  };
  const named = NAMES.filter((name) => sent[SETTINGS[name].json] !== undefined);
  return Object.fromEntries(named.map((name) => [name, all[name]]));
}

export function viewSettings(settings: KeySettings): Shown {
  return {
    label: settings.label,
    description: settings.description ?? null,
    metadata: { ...settings.metadata },
    rate_limit: settings.rateLimit ? viewRateLimit(settings.rateLimit) : null,
    concurrency: settings.concurrency ?? null,
    ip_allow_list: [...settings.ipAllowList],
  };
}

function viewRateLimit({ limit, windowSeconds }: RateLimit) {
  return { limit, window_seconds: windowSeconds };
}

/** Returns the JSON names of the settings that a change has. */
export function namesIn(change: Partial<KeySettings>): string[] {
  return NAMES.filter((name) => name in change).map((name) => SETTINGS[name].json);
}

/** Returns the values that the audit log has of these settings, by their JSON names. */
export function recordedSettings(settings: KeySettings, among: Partial<KeySettings>): Record<string, unknown> {
  const shown = viewSettings(settings);
  const recorded = NAMES.filter((name) => SETTINGS[name].recorded && name in among);
  return Object.fromEntries(recorded.map((name) => [SETTINGS[name].json, shown[SETTINGS[name].json]]));
}
