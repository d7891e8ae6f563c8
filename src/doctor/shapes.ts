import { COPES } from './finding.ts';
import { isObject, text } from './read.ts';
import type { World } from './world.ts';

const DOCUMENTED = '2026-01-01T00:00:00.000Z';
const ISO = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(?:\.\d+)?(?:Z|[+-]\d{2}:?\d{2})$/;
const KEY_FIELDS = `object id owner name obfuscated_value last_used_at expires_at permissions created_at updated_at value`;
const ORGANIZATION_FIELDS = `object id name domains metadata external_id stripe_customer_id created_at updated_at
  allow_profiles_outside_organization`;
const KNOWN: Readonly<Record<string, ReadonlySet<string>>> = {
  api_key: new Set(KEY_FIELDS.split(/\s+/)),
  organization: new Set(ORGANIZATION_FIELDS.split(/\s+/)),
};
const OWNER_KINDS = ['organization', 'user'];

const TIMES = ['created_at', 'updated_at', 'expires_at', 'last_used_at'];

type Json = Readonly<Record<string, unknown>>;
type Schema = { safeParse: (raw: unknown) => { success: boolean } };
/** `without` returns the object with this oddity replaced by the documented form. */
type Oddity = { name: string; assumes: string; seen: string; todo: string; without: (raw: Json) => Json };

/** Compares an object of WorkOS with the documented form, and with what Latchkey's own reader accepts. */
export function inspect({ differs }: World, raw: unknown, reader: Schema): void {
  const kind = text(raw, 'object') ?? 'object';
  const object = isObject(raw) ? raw : {};
  const odd = [unknownFields(object, kind), timestampForm(object), ownerKind(object)].filter(
    (each) => each !== undefined,
  );
  const isRead = (wrong: readonly Oddity[]): boolean =>
    reader.safeParse(odd.filter((each) => !wrong.includes(each)).reduce((value, { without }) => without(value), object))
      .success;
  const isReadOtherwise = isRead([]);
  for (const oddity of odd) {
    const breaks = isReadOtherwise && !isRead([oddity]);
    const { name, assumes, seen, todo } = oddity;
    differs({ name, breaks, assumes, seen, todo: breaks ? todo : COPES });
  }
  if (isReadOtherwise) return;
  differs({
    name: `${kind}-unreadable`,
    breaks: true,
    assumes: `that it can read every ${kind}`,
    seen: `fields ${Object.keys(object).join(', ') || 'none'}`,
    todo: 'Report this with the file: Latchkey cannot read these objects.',
  });
}

function unknownFields(raw: Json, kind: string): Oddity | undefined {
  const known = KNOWN[kind];
  const unknown = known ? Object.keys(raw).filter((name) => !known.has(name)) : [];
  if (unknown.length === 0) return undefined;
  return {
    name: 'unknown-fields',
    assumes: `the fields of a ${kind} that the specification lists`,
    seen: unknown.join(', '),
    todo: 'Report this: an additional field makes the object unreadable.',
    without: (object) => Object.fromEntries(Object.entries(object).filter(([name]) => !unknown.includes(name))),
  };
}

function timestampForm(raw: Json): Oddity | undefined {
  const odd = TIMES.filter((name) => !ISO.test(text(raw, name) ?? DOCUMENTED));
  if (odd.length === 0) return undefined;
  return {
    name: 'timestamp-form',
    assumes: 'that times are ISO 8601 with an offset',
    seen: [...new Set(odd.map((name) => text(raw, name)))].join(', '),
    todo: 'Report this: objects with such times cannot be read.',
    without: (object) => ({ ...object, ...Object.fromEntries(odd.map((name) => [name, DOCUMENTED])) }),
  };
}

function ownerKind(raw: Json): Oddity | undefined {
  const kind = text(raw, 'owner', 'type');
  if (kind === undefined || OWNER_KINDS.includes(kind)) return undefined;
  const organizationId = text(raw, 'owner', 'organization_id') ?? 'org_latchkeydoctor';
  return {
    name: 'owner-kind',
    assumes: 'that a key belongs to an organization or a user',
    seen: kind,
    todo: 'Report this: keys of such owners cannot be read.',
    without: (object) => ({ ...object, owner: { type: 'organization', id: organizationId } }),
  };
}
