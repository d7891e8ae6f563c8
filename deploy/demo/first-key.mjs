import { setTimeout as sleep } from 'node:timers/promises';

// Makes a key in the demo organization Acme and verifies it: billing accepts the organization, its owner signs in at the
// local WorkOS and creates, a service asks whether the key is good.
const { LATCHKEY_URL = 'http://127.0.0.1:3000', WORKOS_URL = 'http://127.0.0.1:4100', SERVICE_TOKEN } = process.env;
const READY_MS = 60_000;

/** Waits until the service is ready, which it is some seconds after its container has started. */
async function isReady() {
  const until = Date.now() + READY_MS;
  while (Date.now() < until) {
    const answer = await fetch(`${LATCHKEY_URL}/readyz`).catch(() => undefined);
    if (answer?.ok) return;
    await sleep(200);
  }
  throw new Error(`${LATCHKEY_URL} is not ready; its log says why`);
}

async function send(method, url, token, content) {
  const headers = { 'content-type': 'application/json', ...(token && { authorization: `Bearer ${token}` }) };
  const body = JSON.stringify(content);
  const request = { method, headers, body };
  const response = await fetch(url, request);
  const answer = await response.json();
  if (!response.ok) throw new Error(`${method} ${url} answered ${response.status}: ${JSON.stringify(answer)}`);
  return answer;
}

await isReady();
await send('PUT', `${LATCHKEY_URL}/v1/organizations/org_acme/billing`, SERVICE_TOKEN, { status: 'active' });
const session = await send('POST', `${WORKOS_URL}/user_management/authenticate`, undefined, {
  grant_type: 'password',
  client_id: 'client_latchkey',
  client_secret: 'sk_test_latchkey',
  email: 'owner@acme.test',
  password: 'latchkey-demo',
});
const key = await send('POST', `${LATCHKEY_URL}/v1/api-keys`, session.access_token, {
  label: 'First key',
  permission_set: 'full_access',
});
const verdict = await send('POST', `${LATCHKEY_URL}/v1/api-keys/verify`, SERVICE_TOKEN, { key: key.value });
process.stdout.write(`${JSON.stringify({ id: key.id, value: key.value, valid: verdict.valid, code: verdict.code })}\n`);
