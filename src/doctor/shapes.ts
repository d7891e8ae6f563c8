import { COPES } from './finding.ts';
import { isObject, text } from './read.ts';
import type { World } from './world.ts';

const ISO = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(?:\.\d+)?(?:Z|[+-]\d{2}:?\d{2})$/;
const KEY_FIELDS = `object id owner name obfuscated_value last_used_at expires_at permissions created_at updated_at value`;
const ORGANIZATION_FIELDS = `object id name domains metadata external_id stripe_customer_id created_at updated_at
  allow_profiles_outside_organization`;
const KNOWN: Readonly<Record<string, ReadonlySet<string>>> = {
  api_key: new Set(KEY_FIELDS.split(/\s+/)),
  organization: new Set(ORGANIZATION_FIELDS.split(/\s+/)),
};
const OWNER_KINDS = ['organization', 'user'];

type Schema = { safeParse: (raw: unknown) => { success: boolean } };

/** Compares an object of WorkOS with what is documented, and with what Latchkey's own reader takes. */
export function inspect({ differs }: World, raw: unknown, reader: Schema): void {
  const isRead = reader.safeParse(raw).success;
  const kind = text(raw, 'object') ?? 'object';
  const found = [unknownFields(raw, kind), timestampForm(raw), ownerKind(raw)].filter((each) => each !== undefined);
  for (const { name, assumes, seen, todo } of found)
    differs({ name, breaks: !isRead, assumes, seen, todo: isRead ? COPES : todo });
  if (isRead || found.length > 0) return;
  differs({
    name: `${kind}-unreadable`,
    breaks: true,
    assumes: `that it can read every ${kind}`,
    seen: `fields ${isObject(raw) ? Object.keys(raw).join(', ') : 'none'}`,
    todo: 'Report this with the file.',
  });
}

type Oddity = { name: string; assumes: string; seen: string; todo: string };

function unknownFields(raw: unknown, kind: string): Oddity | undefined {
  const known = KNOWN[kind];
  const unknown = known && isObject(raw) ? Object.keys(raw).filter((name) => !known.has(name)) : [];
  if (unknown.length === 0) return undefined;
  return {
    name: 'unknown-fields',
    assumes: `the fields of a ${kind} that the specification lists`,
    seen: unknown.join(', '),
    todo: 'Report this: a field more made the whole unreadable.',
  };
}

function timestampForm(raw: unknown): Oddity | undefined {
  const written = text(raw, 'created_at');
  if (written === undefined || ISO.test(written)) return undefined;
  return {
    name: 'timestamp-form',
    assumes: 'that times are ISO 8601 with an offset',
    seen: written,
    todo: 'Report this: events with such times cannot be applied.',
  };
}

function ownerKind(raw: unknown): Oddity | undefined {
  const kind = text(raw, 'owner', 'type');
  if (kind === undefined || OWNER_KINDS.includes(kind)) return undefined;
  return {
    name: 'owner-kind',
    assumes: 'that a key belongs to an organization or a user',
    seen: kind,
    todo: 'Report this: keys of this kind of owner are not read.',
  };
}
