const FORMS = [
  { form: /^[0-9a-f]+$/i, encoding: 'hex', characters: (bytes: number) => bytes * 2 },
  { form: /^[A-Za-z0-9+/]+={0,2}$/, encoding: 'base64', characters: (bytes: number) => Math.ceil((bytes * 4) / 3) },
  { form: /^[\w-]+={0,2}$/, encoding: 'base64url', characters: (bytes: number) => Math.ceil((bytes * 4) / 3) },
] as const;

/** Reads a hash of so many bytes in hexadecimal digits, base64 or base64url; their lengths differ. */
export function readHash(text: string, bytes: number): Buffer | undefined {
  const length = text.replace(/={1,2}$/, '').length;
  const found = FORMS.find(({ form, characters }) => characters(bytes) === length && form.test(text));
  const hash = found && Buffer.from(text, found.encoding);
  return hash?.length === bytes ? hash : undefined;
}
