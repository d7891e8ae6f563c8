import type { Switches } from './switches.ts';

const ISO_TIME = /^(\d{4}-\d{2}-\d{2})T(\d{2}:\d{2}:\d{2}\.\d{3})Z$/;
const MAX_METADATA_VALUE = 600;

type Json = Readonly<Record<string, unknown>>;

/** Writes an answer or a webhook's body as the profile says. */
export function writeJson(body: object, switches: Switches): string {
  return isPlain(switches)
    ? JSON.stringify(body)
    : JSON.stringify(body, (_, value: unknown) => rewrite(value, switches));
}

function isPlain(switches: Switches): boolean {
  const { timestamps, unknown_fields, owner_kind, organization_names, user_padding_bytes } = switches;
  return (
    timestamps === 'iso' && !unknown_fields && owner_kind === null && organization_names && user_padding_bytes === 0
  );
}

function rewrite(value: unknown, switches: Switches): unknown {
  if (typeof value === 'string') return rewriteTime(value, switches.timestamps);
  // The walk visits a rewritten object again, so an object with the new field stays as it is.
  if (!isObject(value) || '_of_tomorrow' in value) return value;
  const changed = rewriteObject(value, switches);
  return switches.unknown_fields ? { ...changed, _of_tomorrow: { version: 2 } } : changed;
}

function rewriteObject(value: Json, switches: Switches): Json {
  switch (value['object']) {
    case 'api_key':
      return switches.owner_kind === null ? value : { ...value, owner: ownerOf(value, switches.owner_kind) };
    case 'organization_membership': {
      const { organization_name: name, ...rest } = value;
      return switches.organization_names || name === undefined ? value : rest;
    }
    case 'user':
      return switches.user_padding_bytes === 0 ? value : { ...value, metadata: padding(switches.user_padding_bytes) };
    default:
      return value;
  }
}

/** Returns whether it is one of WorkOS's objects, unlike a list or a customer's metadata. */
function isObject(value: unknown): value is Json {
  return typeof value === 'object' && value !== null && typeof (value as Json)['object'] === 'string';
}

function rewriteTime(text: string, form: Switches['timestamps']): string {
  const [, date, time] = (form === 'iso' ? undefined : ISO_TIME.exec(text)) ?? [];
  if (date === undefined || time === undefined) return text;
  return form === 'plain' ? `${date} ${time}` : new Date(text).toUTCString().replace(' GMT', '');
}

function ownerOf({ owner, id }: Json, kind: string): unknown {
  const known = owner as { type: string; id: string };
  if (known.type !== 'organization') return owner;
  return { type: kind, id: String(id).replace('api_key', kind), organization_id: known.id };
}

function padding(bytes: number): Record<string, string> {
  const parts = Math.ceil(bytes / MAX_METADATA_VALUE);
  const sizeOf = (i: number) => Math.min(MAX_METADATA_VALUE, bytes - i * MAX_METADATA_VALUE);
  return Object.fromEntries(Array.from({ length: parts }, (_, i) => [`padding_${i}`, 'x'.repeat(sizeOf(i))]));
}
