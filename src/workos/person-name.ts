/** The names of a person as WorkOS sends them; it may leave each out. */
export type RawNames = {
  name?: string | null | undefined;
  firstName?: string | null | undefined;
  lastName?: string | null | undefined;
};

const MAX_CHARACTERS = 200;

/** Returns the full name, or what there is of it, cut to 200 characters; undefined when there is none. */
export function personName({ name, firstName, lastName }: RawNames): string | undefined {
  const full = textOf(name) ?? [textOf(firstName), textOf(lastName)].filter((part) => part !== undefined).join(' ');
  return full === '' ? undefined : [...full].slice(0, MAX_CHARACTERS).join('').toWellFormed();
}

function textOf(part: unknown): string | undefined {
  return typeof part === 'string' && part.trim() !== '' ? part.trim() : undefined;
}
