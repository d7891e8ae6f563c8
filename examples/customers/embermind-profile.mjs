// Shows who we are at Embermind: node embermind-profile.mjs [logout]
// With EMBERMIND_API_KEY by API key, as the page recommends; else by EMBERMIND_LOGIN and EMBERMIND_PASSWORD, with the
// access token kept in EMBERMIND_TOKEN_FILE from one run to the next.
import { readFile, rm, writeFile } from 'node:fs/promises';

const {
  EMBERMIND_URL = 'https://api.embermind.ch',
  EMBERMIND_API_KEY: apiKey,
  EMBERMIND_LOGIN: loginOrEmail,
  EMBERMIND_PASSWORD: password,
  EMBERMIND_TOKEN_FILE: tokenFile = '.embermind-token',
} = process.env;
const client = `${EMBERMIND_URL}/api/v1/client`;
let token;

async function refreshToken() {
  console.log('signing in');
  const response = await fetch(`${client}/auth/login`, {
    method: 'POST',
    headers: { 'Content-Type': 'application/json' },
    body: JSON.stringify({ loginOrEmail, password }),
  });
  const { xAccessToken, error, message } = await response.json();
  if (error) throw new Error(`${error}: ${message}`);
  await writeFile(tokenFile, xAccessToken, { mode: 0o600 });
  return xAccessToken;
}

/** Sends a request. When the access token has expired, signs in and sends it once more, as the page suggests. */
async function apiRequest(method, endpoint) {
  const send = async () => {
    const credential = apiKey ? { 'x-api-key': apiKey } : { 'x-access-token': token };
    const headers = { 'Content-Type': 'application/json', ...credential };
    return (await fetch(`${client}${endpoint}`, { method, headers })).json();
  };
  let answer = await send();
  if (answer.error === 'error.auth.token_incorrect') {
    token = await refreshToken();
    answer = await send();
  }
  if (answer.error) throw new Error(`${answer.error}: ${answer.message}`);
  return answer;
}

try {
  if (!apiKey) token = await readFile(tokenFile, 'utf8').catch(refreshToken);
  const { valid } = await apiRequest('POST', apiKey ? '/auth/check-api-key' : '/auth/check-token');
  const { login, email, companyId } = await apiRequest('GET', '/profile/me');
  console.log(JSON.stringify({ valid, login, email, companyId }));
  if (process.argv[2] === 'logout') {
    await apiRequest('POST', '/auth/logout');
    await rm(tokenFile);
    console.log('signed out');
  }
} catch (error) {
  console.error(error.message);
  process.exitCode = 1;
}
