// Runs evaluation tasks at mixus and waits for their results: node mixus-evals.mjs NAME...
// MIXUS_API_KEY was generated under Integrations > mixus API Keys, with the scopes eval:create and eval:read.
import { setTimeout as sleep } from 'node:timers/promises';

const { MIXUS_URL = 'https://app.mixus.ai', MIXUS_API_KEY = '' } = process.env;

// "Check you copied the entire key": 41 characters.
const key = MIXUS_API_KEY.trim();
if (!/^mxs_eval_.{32}$/.test(key)) fail('MIXUS_API_KEY is not a whole key: mxs_eval_ and 32 characters');

// "Wait 5-10 seconds (propagation delay)": a new key has that long to start working.
const propagated = Date.now() + 10_000;

async function mixus(method, path, body) {
  for (;;) {
    const response = await fetch(`${MIXUS_URL}${path}`, {
      method,
      headers: { Authorization: `Bearer ${key}`, 'Content-Type': 'application/json' },
      ...(body && { body: JSON.stringify(body) }),
    });
    if (response.ok) return response.json();
    if (response.status === 429) {
      const seconds = Number(response.headers.get('retry-after') ?? 60);
      console.log(`over the limit, waiting ${seconds} s`);
      await sleep(seconds * 1000);
    } else if (response.status === 401 && Date.now() < propagated) {
      console.log('unauthorized, trying again');
      await sleep(2500);
    } else if (response.status === 401) fail('Unauthorized: the key is wrong, expired or revoked');
    else if (response.status === 403) fail('Access denied: generate a new key with the correct scope');
    else fail(`status ${response.status}: ${await response.text()}`);
  }
}

async function evaluate(name) {
  let task = await mixus('POST', '/api/evals', { name });
  while (task.status === 'running') {
    await sleep(1000);
    task = await mixus('GET', `/api/evals/${task.id}`);
  }
  console.log(`${name}: ${task.status}`);
}

function fail(reason) {
  console.error(reason);
  process.exit(1);
}

await Promise.all(process.argv.slice(2).map(evaluate));
