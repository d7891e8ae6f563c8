/** Returns a fresh access token of the person who is signed in, from the server of this app. */
export async function getToken() {
  const answer = await fetch('/session/access-token', { method: 'POST' });
  if (!answer.ok) throw new Error(await answer.text());
  return answer.text();
}
