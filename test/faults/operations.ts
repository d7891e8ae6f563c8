import { createKey } from '../support/api.ts';
import type { Service } from '../support/service.ts';
import { failAt } from '../support/workos-faults.ts';
import { keysAtWorkos, makeKeyAtWorkos } from '../support/workos-keys.ts';
import { isLimit } from './faults.ts';
import type { FaultName } from './faults.ts';
import { ask, breakWorkos, restoreWorkos, makeSetting, runLoop, unknownKeys, answeredBy } from './scenario.ts';
import type { Outcome, Setting } from './scenario.ts';

const WANTED = { label: 'a key', permission_set: 'read_only' };

/** One cell of the matrix: plays the fault, reads what is left, lets the loops repair it, and reads again. */
export type Play = (service: Service, name: FaultName) => Promise<Outcome>;

const liveRows = ({ service, organizationId }: Setting) =>
  service.db('api_keys').where({ organization_id: organizationId, status: 'active' });

async function describeRow({ service, organizationId }: Setting, orphans: readonly string[]): Promise<string> {
  const row = await service
    .db('api_keys')
    .where({ organization_id: organizationId })
    .orderBy('created_at', 'desc')
    .first('status');
  const there = orphans.length === 0 ? 'nothing at WorkOS' : 'an unknown key at WorkOS';
  if (row.status === 'provisioning') return `an unsettled row, ${there}`;
  return row.status === 'failed' ? `nothing: the row has ended, ${there}` : `the key, ${there}`;
}

/** Settles, and names what that did to the unknown keys. */
async function settleOrphans(setting: Setting, known: readonly string[], before: readonly string[]): Promise<string> {
  const rows = () => setting.service.db('api_keys').where({ organization_id: setting.organizationId });
  if ((await rows().whereNotNull('due_at')).length === 0) return 'nothing to do';
  const present = await unknownKeys(setting, known);
  await runLoop(setting, 'settle');
  const left = await unknownKeys(setting, known);
  if (left.length > 0) return `NOT REPAIRED: ${left.length} unknown keys at WorkOS`;
  if ((await rows().where({ status: 'provisioning' })).length > 0) return 'NOT REPAIRED: the row waits';
  if (present.length === 0) return 'the row ends';
  return before.length === 0 ? 'the late key is deleted at WorkOS' : 'the key is deleted at WorkOS';
}

const create: Play = async (service, name) => {
  const setting = await makeSetting(service);
  breakWorkos(service, 'create', name, 1);
  const answer = await ask(setting, 'POST', '/v1/api-keys', WANTED);
  const orphans = await unknownKeys(setting, [String(answer.body['id'])]);
  const left = await describeRow(setting, orphans);
  await restoreWorkos(service, name);
  const known = (await liveRows(setting)).map((row) => String(row.workos_id));
  const repair = await settleOrphans(setting, known, orphans);
  const again = await ask(setting, 'POST', '/v1/api-keys', WANTED);
  const { body } = await ask(setting, 'GET', '/v1/organization');
  const counted = (body['usage'] as { api_keys: number }).api_keys;
  const sound = again.status === 201 && counted === known.length + 1;
  return {
    answered: answeredBy(answer),
    left,
    repair: sound ? repair : `NOT REPAIRED: ${again.status}, ${counted} keys counted`,
  };
};

const rotate: Play = async (service, name) => {
  const setting = await makeSetting(service);
  const old = await createKey(service, setting.token);
  breakWorkos(service, 'create', name, 1);
  const path = `/v1/api-keys/${old.id}/rotate`;
  const answer = await ask(setting, 'POST', path, {});
  const works = (await ask({ ...setting, token: old.value }, 'GET', '/v1/me/session')).status === 200;
  const orphans = await unknownKeys(setting, [old.id, String(answer.body['id'])]);
  const left = `${await describeRow(setting, orphans)}; the old key ${works ? 'works' : 'DOES NOT WORK'}`;
  await restoreWorkos(service, name);
  const known = (await liveRows(setting)).map((row) => String(row.workos_id));
  const repair = await settleOrphans(setting, known, orphans);
  const again = await ask(setting, 'POST', path, {});
  return {
    answered: answeredBy(answer),
    left,
    repair: again.status === 201 ? repair : `NOT REPAIRED: ${again.status}`,
  };
};

const revoke: Play = async (service, name) => {
  const setting = await makeSetting(service);
  const key = await createKey(service, setting.token);
  breakWorkos(service, 'delete', name, 1);
  const answer = await ask(setting, 'DELETE', `/v1/api-keys/${key.id}`);
  const works = (await ask({ ...setting, token: key.value }, 'GET', '/v1/me/session')).status === 200;
  const rowNow = () => service.db('api_keys').where({ workos_id: key.id }).first('workos_deleted_at', 'due_at');
  const row = await rowNow();
  const there = (await keysAtWorkos(service, setting.organizationId)).length;
  const refused = works ? 'the key STILL WORKS' : 'the key is refused';
  const noted = row.workos_deleted_at ? 'deletion noted' : 'deletion to be confirmed';
  const left = `${refused}; ${noted}, ${there === 0 ? 'deleted at WorkOS' : 'still at WorkOS'}`;
  await restoreWorkos(service, name);
  await runLoop(setting, 'settle');
  const after = await rowNow();
  const gone = (await keysAtWorkos(service, setting.organizationId)).length === 0;
  if (after.workos_deleted_at === null || after.due_at !== null)
    return { answered: answeredBy(answer), left, repair: 'NOT REPAIRED' };
  const repair = row.workos_deleted_at
    ? `nothing to do${gone ? '' : ': WorkOS said that it has no such key'}`
    : `the deletion is ${there === 0 ? 'asked for again and confirmed' : 'repeated'}`;
  return { answered: answeredBy(answer), left, repair };
};

const validate: Play = async (service, name) => {
  const setting = await makeSetting(service);
  const { id, value } = await makeKeyAtWorkos(service, setting.organizationId, 'made in the dashboard');
  const present = () => ask({ ...setting, token: value }, 'GET', '/v1/me/session');
  breakWorkos(service, 'validate', name, 1);
  const answer = await present();
  const row = await service.db('api_keys').where({ workos_id: id }).first('id');
  const left = row ? 'the key is mirrored' : 'nothing';
  if (isLimit(name)) await restoreWorkos(service, name);
  service.workos.faults.clear();
  const next = (await present()).status;
  const later = isLimit(name) ? ' after that' : '';
  if (next === 200) return { answered: answeredBy(answer), left, repair: `the next use${later} asks again` };
  // What WorkOS called no key is not asked about again for half a minute, by the real clock; its event brings it sooner.
  service.clock.advance(61_000);
  await runLoop(setting, 'events');
  const mirrored = await service.db('api_keys').where({ workos_id: id, status: 'active' }).first('id');
  return { answered: answeredBy(answer), left, repair: mirrored ? 'asked again after 30 s' : 'NOT REPAIRED' };
};

const events: Play = async (service, name) => {
  const setting = await makeSetting(service);
  await makeKeyAtWorkos(service, setting.organizationId, 'the first');
  await runLoop(setting, 'events');
  const { id } = await makeKeyAtWorkos(service, setting.organizationId, 'made in the dashboard');
  const mirrored = () => service.db('api_keys').where({ workos_id: id, status: 'active' }).first('id');
  breakWorkos(service, 'events', name, 0);
  const answered = await runLoop(setting, 'events');
  const left = (await mirrored()) ? 'the event is applied' : 'the event waits at WorkOS, its cursor stays';
  await restoreWorkos(service, name);
  const next = await runLoop(setting, 'events');
  const healed = next === 'the step ends' && (await mirrored());
  return { answered, left, repair: healed ? 'the next step reads on from there' : 'NOT REPAIRED' };
};

const list: Play = async (service, name) => {
  const setting = await makeSetting(service);
  failAt(service, 'create', { kind: 'reset_after' });
  await ask(setting, 'POST', '/v1/api-keys', WANTED);
  breakWorkos(service, 'list', name, 0);
  const answered = await runLoop(setting, 'settle');
  service.workos.faults.clear();
  const row = await service.db('api_keys').where({ organization_id: setting.organizationId }).first();
  const quota = row.status === 'failed' ? 'the row counts for no limit' : 'THE ROW COUNTS';
  const search = row.due_at === null ? 'WITHOUT ANOTHER SEARCH' : 'until the next search';
  const left = `${quota}; the lost key stays at WorkOS ${search}`;
  await restoreWorkos(service, name);
  await runLoop(setting, 'settle');
  const there = await keysAtWorkos(service, setting.organizationId);
  return { answered, left, repair: there.length === 0 ? 'the next search deletes it' : 'NOT REPAIRED' };
};

export const OPERATIONS = { create, rotate, revoke, validate, events, list };
export type Operation = keyof typeof OPERATIONS;
