import { z } from 'zod';
import type { Caller } from '../http/caller.ts';
import type { ApiOperation, ListedField } from '../product/api/api-rules.ts';
import { objectOfMembers, overlaps, readerOf, writerOf } from './members.ts';
import type { Report } from './report.ts';
import { fieldAt, itemOf, objectsOf } from './schema-paths.ts';

type CallerKind = Caller['kind'] | undefined;
type Names = NonNullable<ApiOperation['response']>;
type Given = { names: Names; defaults: ApiOperation['defaults']; callers: readonly string[] };

/** Builds the product's answer from Latchkey's, member by member. */
export type ResponseForm = { schema: z.ZodType; present: (answer: unknown, caller: CallerKind) => object };

/** Makes the answer that has the product's names. Each member comes from a field of Latchkey's, or has a default. */
export function responseForm(own: z.ZodType, { names, defaults, callers }: Given, report: Report): ResponseForm {
  for (const [one, other] of overlaps(Object.keys(names))) report(['response', one], `and '${other}' overlap`);
  checkDefaults(names, defaults, report);
  const alternatives = alternativesFor(own, callers);
  const members = Object.entries(names).map(([name, from]) => {
    const found = alternatives.map(({ object }) => schemaOf(object, from));
    const missing = alternatives.filter(
      ({ kinds }, i) => found[i] === undefined && !kinds.every((kind) => hasDefault(defaults, kind, name)),
    );
    const path = typeof from === 'string' ? from : from.each;
    if (missing.length > 0 && (found.every((one) => one === undefined) || isByKind(alternatives)))
      report(['response', name], noField(path, missing));
    return [name, memberSchema(found, defaultsOf(defaults, name))] as const;
  });
  return { schema: objectOfMembers(members, false), present: presenter(names, defaults) };
}

type Alternative = { object: z.ZodObject; kinds: readonly string[] };

/** The objects that an answer may be, with the kinds of callers that get them. */
function alternativesFor(own: z.ZodType, callers: readonly string[]): Alternative[] {
  const objects = objectsOf(own, 'out').map((object) => {
    const kind = kindOf(object);
    return { object, kinds: kind === undefined ? callers : callers.filter((caller) => caller === kind) };
  });
  return objects.filter(({ kinds }) => kinds.length > 0 || callers.length === 0);
}

function kindOf(object: z.ZodObject): string | undefined {
  const kind = object.shape['kind'] as z.ZodType | undefined;
  return kind instanceof z.ZodLiteral ? String(kind.value) : undefined;
}

const isByKind = (alternatives: readonly Alternative[]) =>
  alternatives.every(({ object }) => kindOf(object) !== undefined);

function noField(path: string, missing: readonly Alternative[]): string {
  const kinds = missing.flatMap(({ object }) => kindOf(object) ?? []);
  const whom = kinds.length === 0 ? '' : ` for ${kinds.join(' and ')}`;
  return `Latchkey has no field '${path}'${whom}; name another, or give a default`;
}

function schemaOf(object: z.ZodObject, from: string | ListedField): z.ZodType | undefined {
  if (typeof from === 'string') return orAbsent(fieldAt(object, from, 'out'));
  const list = fieldAt(object, from.each, 'out');
  const item = list && itemOf(list.schema, 'out');
  const [inside] = item ? objectsOf(item, 'out') : [];
  const members = Object.entries(from.as).map(
    ([name, path]) => [name, inside && orAbsent(fieldAt(inside, path, 'out'))] as const,
  );
  if (members.some(([, schema]) => schema === undefined)) return undefined;
  return z.array(objectOfMembers(members as [string, z.ZodType][], false));
}

function orAbsent(found: ReturnType<typeof fieldAt>): z.ZodType | undefined {
  return found && (found.optional ? found.schema.optional() : found.schema);
}

function memberSchema(found: readonly (z.ZodType | undefined)[], defaults: readonly unknown[]): z.ZodType {
  const constants = [...new Set(defaults)].map((value) => (value === null ? z.null() : z.literal(value as string)));
  const [first = z.unknown(), ...others] = [...new Set([...found.filter((one) => one !== undefined), ...constants])];
  return others.length === 0 ? first : z.union([first, ...others]);
}

function checkDefaults(names: Names, defaults: ApiOperation['defaults'], report: Report): void {
  for (const [kind, members] of Object.entries(defaults)) {
    for (const name of Object.keys(members ?? {})) {
      if (!Object.hasOwn(names, name))
        report(['defaults', kind, name], 'is a default of a member that the response does not have');
    }
  }
}

function hasDefault(defaults: ApiOperation['defaults'], kind: string, name: string): boolean {
  return defaultOf(defaults, kind as CallerKind, name) !== undefined;
}

function defaultOf(defaults: ApiOperation['defaults'], kind: CallerKind, name: string): unknown {
  const ofKind = kind === undefined || kind === 'service' ? undefined : defaults[kind]?.[name];
  return ofKind === undefined ? defaults.any?.[name] : ofKind;
}

function defaultsOf(defaults: ApiOperation['defaults'], name: string): unknown[] {
  return Object.values(defaults).flatMap((members) => {
    const value = members?.[name];
    return value === undefined ? [] : [value];
  });
}

/** Some members of an answer, in their order: those that stay the same, those that change, or all of them together. */
export type Segment = { of: 'lasting' | 'changing' | 'all'; present: (answer: object) => object };

/** Cuts an answer into parts that stay the same and parts that change, so that the former are made once. */
export function segmentsOf(names: Names, defaults: ApiOperation['defaults'], isLasting: (field: string) => boolean) {
  const segments: { of: Segment['of']; names: [string, Names[string]][] }[] = [];
  for (const entry of Object.entries(names)) {
    const of = typeof entry[1] === 'string' && isLasting(entry[1]) ? 'lasting' : 'changing';
    const last = segments.at(-1);
    if (last?.of === of) last.names.push(entry);
    else segments.push({ of, names: [entry] });
  }
  const whole = { of: 'all' as const, names: Object.entries(names) };
  return (isCutInside(segments) ? [whole] : segments).map(({ of, names: some }): Segment => {
    const present = presenter(Object.fromEntries(some), defaults);
    return { of, present: (answer) => present(answer, undefined) };
  });
}

/** Whether an object of the answer has members in several segments. */
function isCutInside(segments: readonly { names: readonly (readonly [string, unknown])[] }[]): boolean {
  const tops = segments.flatMap(({ names }) => [...new Set(names.map(([name]) => name.split('.', 1)[0]))]);
  return new Set(tops).size < tops.length;
}

export function presenter(names: Names, defaults: ApiOperation['defaults']): ResponseForm['present'] {
  const members = Object.entries(names).map(([name, from]) => ({
    read: typeof from === 'string' ? readerOf(from) : listReader(from),
    write: writerOf(name),
    fallback: (caller: CallerKind) => defaultOf(defaults, caller, name),
  }));
  return (answer, caller) => {
    const presented = {};
    for (const { read, write, fallback } of members) {
      const value = read(answer);
      const shown = value ?? orElse(fallback(caller), value);
      if (shown !== undefined) write(presented, shown);
    }
    return presented;
  };
}

/** A default may be null, too. */
function orElse(fallback: unknown, value: unknown): unknown {
  return fallback === undefined ? value : fallback;
}

function listReader({ each, as }: ListedField): (answer: unknown) => unknown {
  const readList = readerOf(each);
  const members = Object.entries(as).map(([name, path]) => ({ read: readerOf(path), write: writerOf(name) }));
  return (answer) => {
    const items = readList(answer);
    if (!Array.isArray(items)) return undefined;
    return items.map((item: unknown) => {
      const presented = {};
      for (const { read, write } of members) {
        const value = read(item);
        if (value !== undefined) write(presented, value);
      }
      return presented;
    });
  };
}
