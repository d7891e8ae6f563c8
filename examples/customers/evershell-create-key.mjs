// Creates the key of our CI runners at Evershell. The request is the one that its page prints, with our organization's
// address and our token.
const url = `${process.env.EVERSHELL_URL}/v1/api-keys`;
const options = {
  method: 'POST',
  headers: { Authorization: `Bearer ${process.env.EVERSHELL_TOKEN}`, 'Content-Type': 'application/json' },
  body: '{"label":"CI runner — staging","permission_set":"full_access"}',
};

try {
  const response = await fetch(url, options);
  const data = await response.json();
  console.log(data);
  if (data.error) explain(response.status, data.error);
} catch (error) {
  console.error(error);
  process.exitCode = 1;
}

// The page gives no reason to retry: each of its errors needs a person.
function explain(status, { code, message, request_id, details }) {
  const advice = {
    400: 'Correct the fields below.',
    401: 'Sign in again; the token is missing or has expired.',
    403: 'Ask for apikeys:write, and check that EVERSHELL_URL names your own organization.',
    423: 'Settle the bill; until then no key can be created.',
  };
  console.error(`${status} ${code}: ${message}. ${advice[status] ?? ''} Request ${request_id}.`);
  for (const [field, problem] of Object.entries(details?.fields ?? {})) console.error(`  ${field}: ${problem}`);
  process.exitCode = status === 423 ? 3 : 2;
}
