import type { ApiKey, RateLimit } from '../../client/client.ts';

/** The optional settings of a key, as a form holds them: texts, empty where nothing is set. */
export type Settings = {
  description: string;
  rate: string;
  windowSeconds: string;
  concurrency: string;
  addresses: string;
};

export const NO_SETTINGS: Settings = { description: '', rate: '', windowSeconds: '60', concurrency: '', addresses: '' };

export function settingsOf(apiKey: ApiKey): Settings {
  const { description, rate_limit: rate, concurrency, ip_allow_list: addresses } = apiKey;
  return {
    description: description ?? '',
    rate: rate === null ? '' : String(rate.limit),
    windowSeconds: String(rate?.window_seconds ?? NO_SETTINGS.windowSeconds),
    concurrency: concurrency === null ? '' : String(concurrency),
    addresses: addresses.join('\n'),
  };
}

type Sent = {
  description: string | null;
  rate_limit: RateLimit | null;
  concurrency: number | null;
  ip_allow_list: string[];
};

/** The settings as the API takes them; the server judges them. */
export function readSettings({ description, rate, windowSeconds, concurrency, addresses }: Settings): Sent {
  return {
    description: description.trim() === '' ? null : description.trim(),
    rate_limit: rate.trim() === '' ? null : { limit: Number(rate), window_seconds: Number(windowSeconds) },
    concurrency: concurrency.trim() === '' ? null : Number(concurrency),
    ip_allow_list: addressesIn(addresses),
  };
}

/** Addresses and ranges, each on a line of its own or after a comma. */
export function addressesIn(text: string): string[] {
  return text.split(/[\s,]+/).filter((address) => address !== '');
}

/** What differs from what the key has. */
export function changedSettings(before: Settings, after: Settings): Partial<Sent> {
  const [old, now] = [readSettings(before), readSettings(after)];
  const names = Object.keys(now) as (keyof Sent)[];
  return Object.fromEntries(
    names.filter((name) => JSON.stringify(old[name]) !== JSON.stringify(now[name])).map((name) => [name, now[name]]),
  );
}
