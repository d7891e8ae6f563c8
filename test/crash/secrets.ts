/** The form of a key's whole secret; of its obfuscated form it has not enough. */
const SECRET = /sk_[A-Za-z0-9]{12,}/;

/** Returns whether a text shows the secret of a key, including one that no client got. */
export function showsSecret(text: string, known: ReadonlySet<string>): boolean {
  return SECRET.test(text) || [...known].some((secret) => text.includes(secret));
}
