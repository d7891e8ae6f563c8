/** WorkOS sent an answer of a form that it does not document. */
export class MalformedAnswer extends Error {
  override readonly name = 'MalformedAnswer';
}
