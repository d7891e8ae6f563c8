/** An answer of WorkOS that is none of those it documents, and of which no more is known than that. */
export class MalformedAnswer extends Error {
  override readonly name = 'MalformedAnswer';
}
