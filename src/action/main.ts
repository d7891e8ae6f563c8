import {
  exportVariable,
  getBooleanInput,
  getIDToken,
  getInput,
  saveState,
  setFailed,
  setOutput,
  setSecret,
} from '@actions/core';
import { createLatchkeyClient } from '../client/client.ts';
import { STATE, failureText, idempotencyKeyOf } from './job.ts';

// The step of a workflow: exchanges the job's token for a key. The secret is masked before anything else is done with it, and
// kept in no state: what ends the key later is a token that can do nothing else.
try {
  await giveKey();
} catch (error) {
  setFailed(failureText(error));
}

async function giveKey(): Promise<void> {
  const url = getInput('url', { required: true });
  const client = createLatchkeyClient({ baseUrl: url, token: null, timeoutMs: 10_000 });
  const token = await getIDToken(getInput('audience', { required: true }));
  setSecret(token);
  const lifetime = getInput('lifetime-seconds');
  const exchanged = await client.ci.exchange(
    {
      policy: getInput('policy', { required: true }),
      token,
      permission_set: getInput('permission-set') || undefined,
      lifetime_seconds: lifetime === '' ? undefined : Number(lifetime),
    },
    { idempotencyKey: idempotencyKeyOf(token) },
  );
  const { access_token: key, revoke_token: revokeToken } = exchanged;
  const described = 'session' in exchanged ? exchanged.session : exchanged.api_key;
  setSecret(key);
  setSecret(Buffer.from(key).toString('base64'));
  setSecret(revokeToken);
  if (getBooleanInput('revoke')) saveState(STATE, JSON.stringify({ url, revokeToken }));
  const variable = getInput('env');
  if (variable !== '') exportVariable(variable, key);
  setOutput('key', key);
  setOutput('key-id', described.id);
  setOutput('expires-at', described.expires_at);
}
