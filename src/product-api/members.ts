import { z } from 'zod';

type Members = { [name: string]: unknown };

/** Makes a reader of the value that a dotted path names; undefined where there is none. The path is split once. */
export function readerOf(path: string): (value: unknown) => unknown {
  const names = path.split('.');
  return (value) => {
    let at = value;
    for (const name of names) {
      if (typeof at !== 'object' || at === null || !Object.hasOwn(at, name)) return undefined;
      at = (at as Members)[name];
    }
    return at;
  };
}

/** Makes a writer of the value that a dotted path names, with the objects around it. The path is split once. */
export function writerOf(path: string): (target: object, value: unknown) => void {
  const names = path.split('.');
  const last = names.pop()!;
  if (names.length === 0) return (target, value) => void ((target as Members)[last] = value);
  return (target, value) => {
    let at = target as Members;
    for (const name of names) at = (at[name] ??= {}) as Members;
    at[last] = value;
  };
}

type Tree = Map<string, z.ZodType | Tree>;

/** Makes an object's schema of the schemas of its members by dotted path. `strict`: without others. */
export function objectOfMembers(members: readonly (readonly [string, z.ZodType])[], strict: boolean): z.ZodObject {
  const tree: Tree = new Map();
  for (const [path, schema] of members) {
    const names = path.split('.');
    const last = names.pop()!;
    let at = tree;
    for (const name of names) {
      const next = at.get(name);
      const inner: Tree = next instanceof Map ? next : new Map();
      at.set(name, inner);
      at = inner;
    }
    at.set(last, schema);
  }
  return objectOf(tree, strict);
}

function objectOf(tree: Tree, strict: boolean): z.ZodObject {
  const shape = Object.fromEntries(
    [...tree].map(([name, inner]) => [name, inner instanceof Map ? orAbsent(objectOf(inner, strict)) : inner]),
  );
  return strict ? z.strictObject(shape) : z.object(shape);
}

/** An object all of whose members may be absent may be absent itself. */
function orAbsent(object: z.ZodObject): z.ZodType {
  return object.safeParse({}).success ? object.optional() : object;
}

/** Returns the pairs of paths of which one is inside of the other, or the same. */
export function overlaps(paths: readonly string[]): [string, string][] {
  return paths.flatMap((one, i) =>
    paths.flatMap((other, j): [string, string][] =>
      i !== j && (other.startsWith(`${one}.`) || (i < j && one === other)) ? [[one, other]] : [],
    ),
  );
}
