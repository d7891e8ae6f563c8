import { readFileSync, statSync } from 'node:fs';
import { parse } from 'yaml';
import { z } from 'zod';
import type { CompleteSeed } from './seed.ts';
import { Seed } from './seed.ts';

const MAX_BYTES = 5_242_880;

/**
 * Reads a seed from a YAML file, which must contain everything that its memberships and machine clients name.
 * @throws Error that says what is wrong, and where
 */
export function readSeed(file: string): Seed {
  try {
    if (statSync(file).size > MAX_BYTES) throw new Error(`it is larger than ${MAX_BYTES} bytes`);
    const seed = Seed.parse(parse(readFileSync(file, 'utf8')) ?? {});
    const missing = missingNames(seed);
    if (missing.length > 0) throw new Error(missing.slice(0, 20).join('; '));
    return seed;
  } catch (error) {
    const reason = error instanceof z.ZodError ? z.prettifyError(error) : (error as Error).message;
    throw new Error(`The seed ${file} cannot be used: ${reason}`, { cause: error });
  }
}

function missingNames({ organizations, people, memberships, machineClients, roles }: CompleteSeed): string[] {
  const known = {
    organization: new Set(organizations.map(({ id }) => id)),
    person: new Set(people.map(({ id }) => id)),
    role: new Set(roles.map(({ slug }) => slug)).add('member'),
  };
  const lacks = (kind: keyof typeof known, name: string, where: string): string[] =>
    known[kind].has(name) ? [] : [`${where} names the ${kind} '${name}', which the file does not have`];
  return [
    ...memberships.flatMap(({ userId, organizationId, role }, index) => [
      ...lacks('person', userId, `memberships.${index}`),
      ...lacks('organization', organizationId, `memberships.${index}`),
      ...lacks('role', role, `memberships.${index}`),
    ]),
    ...machineClients.flatMap(({ organizationId }, index) =>
      lacks('organization', organizationId, `machineClients.${index}`),
    ),
  ];
}
