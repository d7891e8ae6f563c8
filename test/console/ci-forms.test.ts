import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { LatchkeyError } from '../../src/client/client.ts';
import type { CiCondition, CiPolicy, ProductCi } from '../../src/client/client.ts';
import { draftOf, firstPolicy, readPolicy, repeatedConditions } from '../../src/console/ci/form/policy-draft.ts';
import { errorAt, policyErrors } from '../../src/console/ci/form/policy-errors.ts';
import { jobText } from '../../src/console/ci/job-text.ts';
import { snippetOf } from '../../src/console/ci/snippet-text.ts';
import { createPolicy, exchange } from '../ci/ci.ts';
import { openTerminal } from '../command/terminal.ts';
import { call } from '../support/api.ts';
import { startService } from '../support/service.ts';

const service = await startService();
const acme = await service.organizations.add();
const token = await acme.session();
const ci = (await call(service, 'GET', '/v1/product', { token })).body['ci'] as ProductCi;
const [github, gitlab] = ci.issuers;

const policyWith = async (name: string, body: object = {}) => {
  const id = await createPolicy(service, token, { name, ...body });
  return (await call(service, 'GET', `/v1/ci/policies/${id}`, { token })).body as unknown as CiPolicy;
};

const conditionOn = (id: number, claim: string) => ({ id, claim, comparison: 'is' as const, text: 'x' });

describe('draftOf and readPolicy', () => {
  it('give a policy back as it is, with the types and lists of its conditions', async () => {
    const when = {
      repository_id: [987, '988'],
      ref: { glob: 'refs/heads/*' },
      run_attempt: 1,
      event_name: ['a, b', 'push'],
      workflow_ref: ' with spaces ',
    };
    const policy = await policyWith('as it is', { when, permission_sets: ['read_only'], max_lifetime_seconds: 61 });
    const read = readPolicy(draftOf(policy, github), github);
    expect(policy).toMatchObject(read);
    expect(read.when).toEqual(when);
  });

  it('pin the owner where its repository is not pinned by exact values', async () => {
    const when: Record<string, CiCondition> = { repository_owner_id: '12', repository_id: { glob: '9*' } };
    const draft = draftOf(await policyWith('of an owner', { when }), github);
    expect([draft.pins, draft.pinned, draft.conditions.map(({ claim }) => claim)]).toEqual([
      1,
      { repository_owner_id: expect.objectContaining({ text: '12' }) },
      ['repository_id'],
    ]);
    expect(readPolicy(draft, github).when).toEqual(when);
  });

  it('send a list without its empty lines, and no pin of a set that is not chosen', () => {
    const draft = {
      ...firstPolicy(ci),
      pins: 1,
      pinned: {
        repository_id: { comparison: 'is' as const, text: '987' },
        repository_owner_id: { comparison: 'any' as const, text: ' 12 \n\n13\n' },
      },
    };
    expect(readPolicy(draft, github).when).toEqual({ repository_owner_id: ['12', '13'] });
  });

  it('leave out an empty condition, and send one that has a claim or a value, which the service judges', () => {
    const empty = { comparison: 'is' as const, text: '' };
    const conditions = [
      { ...empty, id: 0, claim: '' },
      { ...empty, id: 1, claim: 'ref' },
      { ...empty, id: 2, claim: '', text: 'main' },
    ];
    expect(readPolicy({ ...firstPolicy(ci), conditions }, github).when).toEqual({ ref: '', '': 'main' });
  });

  it('keep an issuer that is gone, with all conditions in sight', async () => {
    const draft = draftOf(await policyWith('of a gone issuer'), undefined);
    expect([draft.pinned, draft.conditions.map(({ claim }) => claim)]).toEqual([{}, ['repository_id']]);
    expect(readPolicy(draft, undefined).when).toEqual({ repository_id: '987' });
  });
});

describe('repeatedConditions', () => {
  it('finds a claim that has a pin or a condition already', () => {
    const claims = ['ref', ' ref', 'repository_id', '', ''];
    const conditions = claims.map((claim, id) => conditionOn(id, claim));
    expect([...repeatedConditions({ ...firstPolicy(ci), conditions }, github)]).toEqual([1, 2]);
  });
});

describe('policyErrors', () => {
  it('says what is wrong with a claim whose name has dots, and with a draft that is judged', async () => {
    const error = new LatchkeyError('validation_error', '', {
      details: { fields: { 'draft.when.oidc.circleci.com/project-id.1': 'A.', 'draft.name': 'B.' } },
    });
    const errors = policyErrors(error);
    expect([errorAt(errors, 'name'), errorAt(errors, 'when.oidc.circleci.com/project-id')]).toEqual(['B.', 'A.']);
    expect([errorAt(errors, 'when.oidc'), policyErrors(new TypeError('x'))]).toEqual([undefined, {}]);
  });

  it('finds the word of the service on a condition of a draft that it judges', async () => {
    const draft = { ...firstPolicy(ci), issuer: 'gitlab', name: 'x', sets: ['read_only'] };
    const conditions = [{ id: 0, claim: 'ref', comparison: 'is' as const, text: 'main' }];
    const sent = readPolicy({ ...draft, conditions }, gitlab);
    const { body } = await call(service, 'POST', '/v1/ci/policies/dry-run', { token, body: { draft: sent } });
    const errors = policyErrors(new LatchkeyError('validation_error', '', { details: body.error.details }));
    expect(errorAt(errors, 'when.ref')).toBe('Give a condition on ref_type, too.');
    expect(errors['when']).toContain('Pin project_id');
  });
});

/** Runs the command of the lines, and returns the program that it started. */
async function play(line: string, env: Readonly<Record<string, string>>) {
  const terminal = await openTerminal({ env });
  const [, , name, ...args] = line.split(' ');
  expect(name).toBe('latchkey');
  expect(await terminal.run(...args)).toMatchObject({ code: 0 });
  return terminal.programs.map(({ program, args }) => [program, ...args].join(' '));
}

describe('snippetOf', () => {
  const place = { url: service.url, variable: 'ACME_KEY' };
  it('lets a job of GitHub in with its lines, also where the policy has several sets', async () => {
    const policy = await policyWith('several', { permission_sets: ['read_only', 'submit_observe'] });
    const { permissions, steps } = parse(snippetOf('github', policy, place)) as {
      permissions: object;
      steps: { run: string }[];
    };
    expect(permissions).toEqual({ 'id-token': 'write', contents: 'read' });
    const ran = await play(steps[0]!.run, {
      GITHUB_ACTIONS: 'true',
      ACTIONS_ID_TOKEN_REQUEST_URL: `${service.workos.url}/_ci/github/token?api-version=1`,
      ACTIONS_ID_TOKEN_REQUEST_TOKEN: 'runner',
    });
    expect(ran).toEqual(['./deploy']);
  });

  it('lets a job of GitLab in, whose token is for the audience of its lines, and gives it a session', async () => {
    const policy = await policyWith('runners', { issuer: 'gitlab', issue: 'session', when: { project_id: '42' } });
    const { deploy } = parse(snippetOf('gitlab', policy, place)) as {
      deploy: { id_tokens: { LATCHKEY_ID_TOKEN: { aud: string } }; script: string[] };
    };
    const job = await service.workos.signCiToken('gitlab', { ...deploy.id_tokens.LATCHKEY_ID_TOKEN, project_id: '42' });
    expect(await play(deploy.script[0]!, { LATCHKEY_ID_TOKEN: job })).toEqual(['./provision-runners']);
    expect((await exchange(service, { policy: policy.id, token: job })).body.error.code).toBe('ci_token_used');
  });

  it('is one command for other CIs', async () => {
    const policy = await policyWith('by hand');
    const line = snippetOf('own', policy, place).replaceAll(/ \\\n +/g, ' ');
    expect(line).toBe(
      `npx --yes latchkey ci exec --url ${service.url} --policy ${policy.id} --audience ${policy.audience} --env ACME_KEY -- ./deploy`,
    );
  });
});

describe('jobText', () => {
  it('names repository, branch, environment and run of each CI, or what there is', () => {
    expect(jobText({ repository: 'acme/app', ref: 'refs/heads/main', environment: 'live', run_id: '7' })).toBe(
      'acme/app · refs/heads/main · live · #7',
    );
    expect(jobText({ pipeline_slug: 'app', build_branch: 'main', build_number: '3' })).toBe('app · main · #3');
    expect(jobText({ project: 'p-1', sub: 'x' })).toBe('p-1');
    expect(jobText({})).toBe('');
  });
});
