import { describe, expect, test } from 'vitest';
import type { Answer } from '../support/api.ts';
import { startService } from '../support/service.ts';
import { audienceOf, createPolicy, exchange, jobToken } from './ci.ts';

const service = await startService(
  {},
  {
    product: {
      ci: {
        audience: 'https://keys.evershell.example',
        issuers: ['github', 'gitlab', 'buildkite', { name: 'corp', url: 'https://ci.corp.example', pins: ['project'] }],
      },
    },
  },
);

const acme = await service.organizations.add();
const owner = await acme.session();
let made = 0;
const policyOf = (body: object = {}) =>
  createPolicy(service, owner, { name: `policy ${++made}`, max_active_keys: 100, ...body });
const policy = await policyOf();

const SILENT = [401, 'credential_invalid', undefined];
const MADE = [200, undefined, undefined];
const told = ({ status, body }: Answer) => (status === 200 ? MADE : [status, body.error.code, body.error.details]);

const send = async (claims: object = {}, at = policy, name: 'github' | 'gitlab' = 'github') =>
  told(await exchange(service, { policy: at, token: await jobToken(service, acme, claims, name) }));
const asked = (path = '/_ci/') => service.workos.requests().filter((request) => request.path.startsWith(path)).length;

describe('POST /v1/ci/exchange says nothing to a stranger', () => {
  test.each<[string, object]>([
    ['a repository of the same name with another id', { repository: 'acme/app', repository_id: '988' }],
    [
      'a workflow that another repository calls',
      { repository_id: '988', job_workflow_ref: 'acme/app/.github/workflows/deploy.yml@refs/heads/main' },
    ],
    ['no id', { repository_id: undefined }],
    ['an id in a form of its own', { repository_id: '0987' }],
    ['an object instead of an id', { repository_id: { '987': '987' } }],
    ['an audience in a list', { aud: [audienceOf(acme)] }],
    ['an audience in a list with others', { aud: [audienceOf(acme), 'https://other.example'] }],
    ['another audience', { aud: 'https://keys.evershell.example' }],
    ['no audience', { aud: undefined }],
    ['no expiry', { exp: undefined }],
    ['no time of issue', { iat: undefined }],
    ['a time of issue to come', { iat: Math.floor(Date.now() / 1_000) + 300 }],
    ['a time before which it counts not', { nbf: Math.floor(Date.now() / 1_000) + 300 }],
    ['a lifetime of years', { exp: Math.floor(Date.now() / 1_000) + 10 * 365 * 86_400 }],
    ['an expiry that is no number', { exp: 'later' }],
  ])('with %s', async (_what, claims) => {
    expect(await send(claims)).toEqual(SILENT);
  });

  test('with an expired token', async () => {
    const past = Math.floor(service.clock().getTime() / 1_000) - 120;
    const answer = await send({ iat: past - 300, nbf: past - 300, exp: past });
    expect(answer).toEqual([401, 'credential_expired', undefined]);
  });

  test('at an unknown policy, in the same words as at a known one', async () => {
    const token = await jobToken(service, acme, { repository_id: '988' });
    const [unknown, known] = await Promise.all(
      ['cipol_00000000000000000000000000', policy].map((at) => exchange(service, { policy: at, token })),
    );
    const { request_id: _one, ...first } = unknown!.body.error;
    const { request_id: _other, ...second } = known!.body.error;
    expect([unknown!.status, first]).toEqual([known!.status, second]);
  });

  test("with a token of organization A at organization B's policy", async () => {
    const other = await service.organizations.add();
    const at = await createPolicy(service, await other.session());
    expect(await send({}, at)).toEqual(SILENT);
    expect(told(await exchange(service, { policy: at, token: await jobToken(service, other) }))).toEqual(MADE);
  });

  test('about a disabled policy', async () => {
    const disabled = await policyOf({ enabled: false });
    expect(await send({ repository_id: '988' }, disabled)).toEqual(SILENT);
    expect(await send({}, disabled)).toEqual([403, 'permission_denied', { mismatch: [] }]);
  });

  test.each([
    ['a slash behind', (issuer: string) => `${issuer}/`],
    ['another case', (issuer: string) => issuer.replace('github', 'GitHub')],
    ['another port', (issuer: string) => issuer.replace(/:\d+/, ':1')],
    ['a user', (issuer: string) => issuer.replace('//', '//x@')],
    ['another path', (issuer: string) => issuer.replace('github', 'gitlab')],
  ])('with an issuer that has %s, and asks nobody', async (_what, change) => {
    const before = asked();
    expect(await send({ iss: change(service.workos.ciIssuer('github')) })).toEqual(SILENT);
    expect(asked()).toBe(before);
  });

  test('with a token of another issuer that is allowed, and asks it for nothing', async () => {
    const before = asked();
    expect(await send({}, policy, 'gitlab')).toEqual(SILENT);
    expect(asked()).toBe(before);
  });
});

describe('POST /v1/ci/exchange names to a proven repository what does not match:', () => {
  test.each<[string, object, object, object[]]>([
    [
      'another branch that begins the same',
      { ref: 'refs/heads/main' },
      { ref: 'refs/heads/main-x' },
      [{ claim: 'ref', value: 'refs/heads/main-x' }],
    ],
    [
      'a branch below a glob',
      { ref: { glob: 'refs/heads/v/*' } },
      { ref: 'refs/heads/v/a/b' },
      [{ claim: 'ref', value: 'refs/heads/v/a/b' }],
    ],
    [
      'a line break behind the branch',
      { ref: 'refs/heads/main' },
      { ref: 'refs/heads/main\n' },
      [{ claim: 'ref', value: 'refs/heads/main\n' }],
    ],
    [
      'a line break within a glob',
      { ref: { glob: 'refs/heads/v*' } },
      { ref: 'refs/heads/v1\nx' },
      [{ claim: 'ref', value: 'refs/heads/v1\nx' }],
    ],
    [
      'a text that the database cannot hold',
      { ref: 'refs/heads/main' },
      { ref: 'refs/heads/\u0000\uD800' },
      [{ claim: 'ref', value: 'refs/heads/\uFFFD\uFFFD' }],
    ],
    [
      'an absent environment',
      { environment: 'production' },
      { environment: undefined },
      [{ claim: 'environment', value: null }],
    ],
    [
      'two conditions',
      { environment: 'production', event_name: ['push'] },
      { environment: 'staging', event_name: 'schedule' },
      [
        { claim: 'environment', value: 'staging' },
        { claim: 'event_name', value: 'schedule' },
      ],
    ],
    ['false for true', { protected: true }, { protected: 'false' }, [{ claim: 'protected', value: 'false' }]],
    [
      'pull_request_target that is not listed',
      {},
      { event_name: 'pull_request_target' },
      [{ claim: 'event_name', value: 'pull_request_target' }],
    ],
    [
      'workflow_run that is not listed',
      {},
      { event_name: 'workflow_run' },
      [{ claim: 'event_name', value: 'workflow_run' }],
    ],
    [
      'pull_request_target that only a glob matches',
      { event_name: { glob: '*' } },
      { event_name: 'pull_request_target' },
      [{ claim: 'event_name', value: 'pull_request_target' }],
    ],
  ])('%s', async (_what, when, claims, mismatch) => {
    const at = await policyOf({ when: { repository_id: '987', ...when } });
    expect(await send(claims, at)).toEqual([403, 'permission_denied', { mismatch }]);
  });

  test.each<[string, object, object]>([
    ['the old form of sub', { repository_id: '987' }, { sub: 'repo:acme/app:environment:production' }],
    ['the form of sub with ids', { repository_id: '987' }, { sub: 'repo:acme@12/app@987:environment:production' }],
    ['a repository that was renamed', { repository_id: '987' }, { repository: 'acme/renamed' }],
    ['a branch within a glob', { repository_id: '987', ref: { glob: 'refs/heads/v/*' } }, { ref: 'refs/heads/v/1.2' }],
    [
      'an event that is listed',
      { repository_id: '987', event_name: ['push', 'pull_request_target'] },
      { event_name: 'pull_request_target' },
    ],
    ['text for a boolean', { repository_id: '987', protected: true }, { protected: 'true' }],
    ['a boolean for text', { repository_id: '987', protected: 'true' }, { protected: true }],
    ['a number for text', { repository_id: '987' }, { repository_id: 987 }],
    ['any member of a list', { repository_id: '987', teams: 'b' }, { teams: ['a', 'b'] }],
    ['the id of the owner and a further condition', { repository_owner_id: 12, environment: 'production' }, {}],
  ])('but takes %s', async (_what, when, claims) => {
    expect(await send(claims, await policyOf({ when }))).toEqual(MADE);
  });

  test('a protected branch of GitLab by the text "true"', async () => {
    const at = await policyOf({
      issuer: 'gitlab',
      when: { project_id: 987, ref_protected: true, ref: 'main', ref_type: 'branch' },
    });
    expect(await send({}, at, 'gitlab')).toEqual(MADE);
    expect(await send({ ref_protected: 'false' }, at, 'gitlab')).toEqual([
      403,
      'permission_denied',
      { mismatch: [{ claim: 'ref_protected', value: 'false' }] },
    ]);
    expect(await send({ ref_type: 'tag' }, at, 'gitlab')).toEqual([
      403,
      'permission_denied',
      { mismatch: [{ claim: 'ref_type', value: 'tag' }] },
    ]);
    expect(await send({ project_id: '9' }, at, 'gitlab')).toEqual(SILENT);
  });
});
