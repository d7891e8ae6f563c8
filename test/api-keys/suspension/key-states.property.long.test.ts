import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { call, createKey, verifyKey } from '../../support/api.ts';
import type { CreatedKey } from '../../support/api.ts';
import { deleteAtWorkos, expireAtWorkos } from '../../support/at-workos.ts';
import { propertyRuns } from '../../support/property-runs.ts';
import { SECRET, makeTestReconcile } from '../../support/reconcile.ts';
import { startService } from '../../support/service.ts';

const service = await startService({ LATCHKEY_SECRET: SECRET });
const reconcile = makeTestReconcile(service);

const MINUTE_MS = 60_000;

/** What a key is, by what was done to it; its expiry in minutes of the model's clock. */
type Model = { now: number; revoked: boolean; suspended: boolean; end: number; replaced: boolean };
type Step = { what: keyof typeof STEPS; minutes: number };

const statusOf = ({ now, revoked, suspended, end }: Model) => {
  if (revoked) return 'revoked';
  if (end <= now) return 'expired';
  return suspended ? 'suspended' : 'active';
};
const isOver = (model: Model) => model.revoked || model.end <= model.now;

type Scene = { token: string; key: CreatedKey; organizationId: string; from: number; model: Model };
const post = async ({ token, key }: Scene, verb: string, body: object = {}) =>
  (await call(service, 'POST', `/v1/api-keys/${key.id}/${verb}`, { token, body })).status;
const timeOf = ({ from }: Scene, minutes: number) => new Date(from + minutes * MINUTE_MS);

/** Does each to the key, changes the model alike, and expects the status of the answer. */
const STEPS = {
  async suspend(scene: Scene) {
    expect(await post(scene, 'suspend')).toBe(isOver(scene.model) ? 400 : 200);
    if (!isOver(scene.model)) scene.model.suspended = true;
  },
  async resume(scene: Scene) {
    expect(await post(scene, 'resume')).toBe(isOver(scene.model) ? 400 : 200);
    if (!isOver(scene.model)) scene.model.suspended = false;
  },
  async rotate(scene: Scene, minutes: number) {
    const { model } = scene;
    const refused = model.suspended ? 409 : 400;
    const may = !isOver(model) && !model.suspended && !model.replaced;
    expect(await post(scene, 'rotate', { grace_seconds: minutes * 60 })).toBe(
      may ? 201 : isOver(model) ? 400 : refused,
    );
    if (may) Object.assign(model, { replaced: true, end: Math.min(model.end, model.now + minutes) });
  },
  async patch({ token, key }: Scene, minutes: number) {
    const answer = await call(service, 'PATCH', `/v1/api-keys/${key.id}`, { token, body: { label: `${minutes}` } });
    expect(answer.status).toBe(200);
  },
  async revoke({ token, key, model }: Scene) {
    expect((await call(service, 'DELETE', `/v1/api-keys/${key.id}`, { token })).status).toBe(200);
    model.revoked = true;
  },
  async wait({ model }: Scene, minutes: number) {
    service.clock.advance(minutes * MINUTE_MS);
    model.now += minutes;
  },
  async expireThere(scene: Scene, minutes: number) {
    const { key, model } = scene;
    if (isOver(model) || model.replaced) return;
    const end = model.now + minutes;
    await expireAtWorkos(service, key.id, timeOf(scene, end));
    await service.background.runOnce('events');
    model.end = end;
  },
  async deleteThere({ key, model }: Scene) {
    if (isOver(model)) return;
    await deleteAtWorkos(service, key.id);
    await service.background.runOnce('events');
    model.revoked = true;
  },
  async reconcile({ organizationId }: Scene) {
    await reconcile({ organizationId });
  },
};

const names: { weight: number; what: Step['what'] }[] = [
  { weight: 5, what: 'suspend' },
  { weight: 5, what: 'resume' },
  { weight: 3, what: 'rotate' },
  { weight: 1, what: 'patch' },
  { weight: 1, what: 'revoke' },
  { weight: 3, what: 'wait' },
  { weight: 2, what: 'expireThere' },
  { weight: 1, what: 'deleteThere' },
  { weight: 2, what: 'reconcile' },
];
const step: fc.Arbitrary<Step> = fc.record({
  what: fc.oneof(...names.map(({ weight, what }) => ({ weight, arbitrary: fc.constant(what) }))),
  minutes: fc.integer({ min: 1, max: 4 }),
});

test('a key has the status and the verdict that follow from all that was done to it, in any order', async () => {
  const seen = new Set<string>();
  const property = fc.asyncProperty(fc.array(step, { minLength: 2, maxLength: 9 }), async (steps) => {
    const acme = await service.organizations.add({ status: 'active', plan: 'scale' });
    const token = await acme.session('owner', { exp: Math.floor(service.clock().getTime() / 1_000) + 7_200 });
    // Requests take part of half a minute, which the model's clock does not see.
    const from = service.clock().getTime() - MINUTE_MS / 2;
    const key = await createKey(service, token, { expires_at: new Date(from + 12 * MINUTE_MS).toISOString() });
    const model: Model = { now: 0, revoked: false, suspended: false, end: 12, replaced: false };
    const scene = { token, key, organizationId: acme.id, from, model };
    for (const { what, minutes } of steps) {
      await STEPS[what](scene, minutes);
      const status = statusOf(model);
      const { body } = await call(service, 'GET', `/v1/api-keys/${key.id}`, { token });
      expect([what, body['status']]).toEqual([what, status]);
      expect(isOver(model) || (body['suspended_at'] !== null) === model.suspended).toBe(true);
      const verdict = (await verifyKey(service, { key: key.value })).body['code'];
      expect([what, verdict]).toEqual([what, status === 'active' ? 'valid' : status]);
      seen.add(status);
    }
  });
  await fc.assert(property, { numRuns: propertyRuns(400) });
  expect([...seen].toSorted()).toEqual(['active', 'expired', 'revoked', 'suspended']);
}, 120_000);
