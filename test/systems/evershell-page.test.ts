import { describe, expect, test } from 'vitest';
import { outcome } from '../support/api.ts';
import { runChild } from '../support/child.ts';
import { rawCall } from '../support/raw.ts';
import { play } from './curl.ts';
import { leadHostsTo } from './customer-host.ts';
import { startWorld } from './world.ts';
import type { Company } from './world.ts';

// Written from the product's public page alone, as one of its readers would use it. What stands here of Latchkey is what
// the page leaves to the console: that an organization and its people exist, and how it is billed.
const world = await startWorld('evershell');
const { url } = world.service;
const hosts = await leadHostsTo(url);
const acme = await world.company();

// The program and the command of the page, as they are printed.
const PROGRAM = `const url = 'https://your-org.evershell.ai/v1/api-keys';
const options = {
  method: 'POST',
  headers: {Authorization: 'Bearer <token>', 'Content-Type': 'application/json'},
  body: '{"label":"CI runner — staging","permission_set":"full_access"}'
};

try {
  const response = await fetch(url, options);
  const data = await response.json();
  console.log(data);
} catch (error) {
  console.error(error);
}`;
const COMMAND = `curl --request POST \\
  --url https://your-org.evershell.ai/v1/api-keys \\
  --header 'Authorization: Bearer <token>' \\
  --header 'Content-Type: application/json' \\
  --data '{ "label": "CI runner — staging", "permission_set": "full_access" }'`;

const DAY_MS = 24 * 60 * 60 * 1_000;

const create = (token: string, command = COMMAND) => play(url, command, { '<token>': token });

/** Sends the command's request to the host of an organization. */
const createAt = (host: string, token: string) =>
  rawCall(world.service, 'POST', '/v1/api-keys', {
    headers: { host, authorization: `Bearer ${token}`, 'content-type': 'application/json' },
    body: '{"label":"CI runner — staging","permission_set":"full_access"}',
  });

/** The page's error: `error` alone, with the members that it lists. */
const errorOf = (status: number, code: string) => ({
  status,
  body: {
    error: {
      code,
      message: expect.stringMatching(/\w/) as string,
      request_id: expect.stringMatching(/\w/) as string,
      details: expect.toSatisfy((details) => details === undefined || typeof details === 'object') as unknown,
    },
  },
});
const refused = async (answer: ReturnType<typeof create>) => {
  const { status, body } = await answer;
  return { status, body: { error: { details: undefined, ...(body['error'] as object) } } };
};

const hostOf = ({ name }: Company) => `${name}.evershell.ai`;
const withBody = (data: string) => COMMAND.replace(/--data '[^']+'/, `--data '${data}'`);

describe('Create an API key', () => {
  test('the printed program shows the new key', async () => {
    const program = PROGRAM.replace('https://your-org', `http://${acme.name}`).replace('<token>', await acme.session());
    const { code, stdout, stderr } = await runChild(process.execPath, ['--input-type=module', '--eval', program], {
      env: hosts,
    });
    expect([code, stderr]).toEqual([0, '']);
    expect(stdout).toMatch(/^\{\n {2}id: 'api_key_\w+',/);
    expect(stdout).toContain("label: 'CI runner — staging'");
    expect(stdout).toContain("permission_set: 'full_access'");
    expect(stdout).toMatch(/prefix: 'sk_live_\.\.\.\w{4}'/);
    expect(stdout).toMatch(/value: 'sk_live_\w+'/);
  });

  test('the printed command creates a key: 201 with id, label, prefix, permission_set and value', async () => {
    const { status, body } = await create(await acme.session());
    expect([status, body]).toMatchObject([
      201,
      { id: expect.stringMatching(/^api_key_\w+$/), label: 'CI runner — staging', permission_set: 'full_access' },
    ]);
    const [prefix, value] = [String(body['prefix']), String(body['value'])];
    expect(value).toMatch(/^sk_live_[0-9A-Za-z]+$/);
    expect(prefix).toBe(`sk_live_...${value.slice(-4)}`);
  });

  test('a lost key is reissued: the same request makes another key', async () => {
    const [lost, found] = [await create(await acme.session()), await create(await acme.session())];
    expect([lost.status, found.status]).toEqual([201, 201]);
    expect(found.body['id']).not.toBe(lost.body['id']);
    expect(found.body['value']).not.toBe(lost.body['value']);
  });
});

describe('your-org.evershell.ai', () => {
  test("takes the organization's own token", async () => {
    expect((await createAt(hostOf(acme), await acme.session())).status).toBe(201);
  });

  test("403: cross-org access, by another organization's token, creates nothing", async () => {
    const globex = await world.company();
    const token = await acme.session();
    for (const host of [hostOf(globex), 'your-org.evershell.ai', hostOf(globex).toUpperCase()])
      expect(outcome(await createAt(host, token))).toEqual([403, 'permission_denied']);
    expect((await globex.ask('GET', '/v1/api-keys')).body.data).toEqual([]);
  });
});

describe('Validation failure', () => {
  test.each([
    ['{ "permission_set": "full_access" }', ['label']],
    ['{ "label": "", "permission_set": "full_access" }', ['label']],
    ['{ "label": "CI runner — staging" }', ['permission_set']],
    ['{ "label": 7, "permission_set": "everything" }', ['label', 'permission_set']],
  ])('%s is 400 with the per-field map details.fields', async (data, fields) => {
    const answer = await refused(create(await acme.session(), withBody(data)));
    expect(answer).toEqual(errorOf(400, 'validation_error'));
    const { details } = answer.body.error as unknown as { details: { fields: Record<string, string> } };
    expect(Object.keys(details.fields)).toEqual(fields);
    for (const message of Object.values(details.fields)) expect(message).toMatch(/\w/);
  });

  test('a body that is no JSON has the same form', async () => {
    const { status, body } = await refused(create(await acme.session(), withBody('{ "label": ')));
    expect(status).toBe(400);
    expect(body.error).toMatchObject({
      code: expect.stringMatching(/^[a-z_]+$/),
      message: expect.stringMatching(/\w/),
    });
  });
});

describe('Missing or invalid credential', () => {
  test('401 for the token that the page prints', async () => {
    expect(await refused(play(url, COMMAND))).toEqual(errorOf(401, 'credential_invalid'));
  });

  test('401 for a token that has expired', async () => {
    const now = Math.floor(world.service.clock().getTime() / 1_000);
    const old = await acme.session('owner', { iat: now - 7_200, exp: now - 3_600 });
    expect(await refused(create(old))).toEqual(errorOf(401, 'credential_expired'));
  });

  test('401 without the header', async () => {
    const bare = COMMAND.replace(/ {2}--header 'Authorization: [^']+' \\\n/, '');
    expect(bare).not.toContain('Bearer');
    expect(await refused(play(url, bare))).toEqual(errorOf(401, 'credential_missing'));
  });
});

test('Permissions: apikeys:write. A caller that lacks the scope is 403', async () => {
  expect((await create(await acme.session('operator'))).status).toBe(201);
  expect(await refused(create(await acme.session('member')))).toEqual(errorOf(403, 'permission_denied'));
});

describe('Tenant is past_due, decommissioning, or trial-expired', () => {
  test.each([
    ['past_due', { status: 'past_due' }],
    ['decommissioning', { status: 'decommissioning' }],
    ['trial-expired', { status: 'trial', trial_ends_at: new Date(Date.now() - DAY_MS).toISOString() }],
  ])('423 when %s, and 201 again when active', async (_posture, billing) => {
    const initech = await world.company();
    await world.bill(initech.id, billing);
    expect(await refused(create(await initech.session()))).toEqual(errorOf(423, 'billing_inactive'));
    await world.bill(initech.id, { status: 'active' });
    expect((await create(await initech.session())).status).toBe(201);
  });
});
