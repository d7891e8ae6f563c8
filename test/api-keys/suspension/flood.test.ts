import { expect, test } from 'vitest';
import { call, createKey, outcome, verifyKey } from '../../support/api.ts';
import type { Answer } from '../../support/api.ts';
import { startService } from '../../support/service.ts';

const CHANGES = 5;
const service = await startService({ LATCHKEY_KEY_CHANGES_PER_MINUTE: `${CHANGES}` });

const OK = [200, undefined];
const LIMITED = [429, 'rate_limited'];
const codeOf = async (key: string) => (await verifyKey(service, { key })).body['code'];
const events = async (id: string, action: string) =>
  (await service.db('audit_events').where({ target_id: id, action })).length;

async function aKey() {
  const acme = await service.organizations.add();
  const token = await acme.session();
  const key = await createKey(service, token);
  const post = (verb: 'suspend' | 'resume'): Promise<Answer> =>
    call(service, 'POST', `/v1/api-keys/${key.id}/${verb}`, { token });
  const patch = (body: object) => call(service, 'PATCH', `/v1/api-keys/${key.id}`, { token, body });
  return { key, post, patch };
}

test('a client that suspends and resumes in turn is held up at a resumption, and no suspension is refused', async () => {
  const { key, post } = await aKey();
  // The creation was the first change.
  for (let i = 1; i < CHANGES; i++) {
    expect(outcome(await post('suspend'))).toEqual(OK);
    expect(outcome(await post('resume'))).toEqual(OK);
  }
  for (let i = 0; i < 10; i++) {
    expect(outcome(await post('suspend'))).toEqual(OK);
    const refused = await post('resume');
    expect([outcome(refused), refused.body.error.details]).toMatchObject([LIMITED, { limit: CHANGES }]);
  }
  expect(await codeOf(key.value)).toBe('suspended');
  expect(await events(key.id, 'api_key.suspended')).toBe(CHANGES);
  expect(await events(key.id, 'api_key.resumed')).toBe(CHANGES - 1);
});

test('the budget of an organization bounds new names of a key, and not those of others', async () => {
  const [busy, other] = [await aKey(), await aKey()];
  for (let i = 1; i < CHANGES; i++) expect(outcome(await busy.patch({ label: `name ${i}` }))).toEqual(OK);
  expect(outcome(await busy.patch({ label: 'one too many' }))).toEqual(LIMITED);
  expect(await events(busy.key.id, 'api_key.updated')).toBe(CHANGES - 1);
  expect(outcome(await other.patch({ label: 'a name' }))).toEqual(OK);
  expect(outcome(await busy.post('suspend'))).toEqual(OK);
});
