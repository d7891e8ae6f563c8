import { LatchkeyError } from '../../../client/client.ts';

export type FieldErrors = Readonly<Record<string, string>>;

/** The server's word on each field of a policy, by the field's whole name, such as `when.ref`. */
export function policyErrors(error: unknown): FieldErrors {
  const fields = error instanceof LatchkeyError ? error.details?.['fields'] : undefined;
  if (typeof fields !== 'object' || fields === null) return {};
  // A draft is a field of the request that judges it.
  return Object.fromEntries(Object.entries(fields).map(([name, text]) => [name.replace(/^draft\./, ''), String(text)]));
}

/** A member of a list, or the text of a glob. */
const PART = /^\.(?:\d+|glob)(?:\.|$)/;

/** What is wrong with a field, or with a part of it. Names of claims may have dots. */
export function errorAt(errors: FieldErrors, name: string): string | undefined {
  return (
    errors[name] ??
    Object.entries(errors).find(([field]) => field.startsWith(name) && PART.test(field.slice(name.length)))?.[1]
  );
}
