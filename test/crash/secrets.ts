/** The form of a key's whole secret; of its obfuscated form it has not enough. */
const SECRET = /sk_[A-Za-z0-9]{12,}/;

/** Whether somebody who reads a text knows a key's secret: one that a client was told, or one that nobody was. */
export function showsSecret(text: string, known: ReadonlySet<string>): boolean {
  return SECRET.test(text) || [...known].some((secret) => text.includes(secret));
}
