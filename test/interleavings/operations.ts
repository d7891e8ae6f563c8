import { Webhook } from 'standardwebhooks';
import { BILLING_SECRET, PLANS, SETTLE_AFTER_MS } from './world.ts';
import { NARROW_PERMISSIONS } from './scene.ts';
import type { Answer, Need, Scene } from './scene.ts';
import type { Trouble } from './stage.ts';

export type Operation = {
  needs?: readonly Need[];
  trouble?: Trouble;
  /** Statuses that it may be answered with; a loop has none, and never throws. */
  answers: readonly number[];
  run: (scene: Scene, by: Hands) => Promise<Answer[]>;
};

/** `nth` distinguishes operations of one kind. */
export type Hands = { nth: number };

const HOUR_MS = 60 * 60_000;
const MADE = [201, 400, 403, 404, 409, 422, 423, 502, 503];
const CHANGED = [200, 400, 404, 423];
const MEMBERSHIPS = '/user_management/organization_memberships';

const rotate =
  (graceSeconds: number): Operation['run'] =>
  async ({ ask, key, owner }) => [
    await ask('POST', `/v1/api-keys/${key.id}/rotate`, {
      token: owner.token,
      body: { grace_seconds: graceSeconds },
    }),
  ];

const patch =
  (change: (scene: Scene, by: Hands) => object): Operation['run'] =>
  async (scene, by) => [
    await scene.ask('PATCH', `/v1/api-keys/${scene.key.id}`, { token: scene.owner.token, body: change(scene, by) }),
  ];

/** Another end for each, so that two of them differ. */
const movedIn = ({ world }: Scene, { nth }: Hands) => ({
  expires_at: new Date(world.clock().getTime() + (24 - nth) * HOUR_MS).toISOString(),
});

const restricted = (_scene: Scene, { nth }: Hands) => ({
  label: `restricted ${nth}`,
  ip_allow_list: [`10.0.${nth}.0/24`],
  rate_limit: { limit: 1, window_seconds: 60 },
  concurrency: 1,
  metadata: { made: `restricted ${nth}` },
});

const remove: Operation['run'] = async ({ ask, key, owner }) => [
  await ask('DELETE', `/v1/api-keys/${key.id}`, { token: owner.token }),
];

const turn = ({ ask, key, owner }: Scene, verb: 'suspend' | 'resume') =>
  ask('POST', `/v1/api-keys/${key.id}/${verb}`, { token: owner.token, body: {} });

const loops =
  (...names: string[]): Operation['run'] =>
  async ({ world }) => {
    for (const name of names) await world.background.runOnce(name);
    return [];
  };

const bill =
  (statement: (scene: Scene) => object): Operation['run'] =>
  async ({ ask, organizationId, world, ...scene }) => {
    const at = world.clock();
    const data = { organization_id: organizationId, ...statement({ ask, organizationId, world, ...scene }) };
    const body = { type: 'tenant.billing_updated', timestamp: at.toISOString(), data };
    const id = `msg_${organizationId}_${at.getTime()}`;
    const headers = {
      'webhook-id': id,
      'webhook-timestamp': String(Math.floor(at.getTime() / 1_000)),
      'webhook-signature': new Webhook(BILLING_SECRET).sign(id, at, JSON.stringify(body)),
    };
    return [await ask('POST', '/v1/hooks/billing', { body, headers })];
  };

const byService =
  (statement: (scene: Scene) => object): Operation['run'] =>
  async (scene) => [
    await scene.ask('PUT', `/v1/organizations/${scene.organizationId}/billing`, { body: statement(scene) }),
  ];

const ignore = () => undefined;
const rethrow = ({ error }: { error: unknown }) => {
  throw error;
};

/** Everything that happens to keys at the same time, by the names in which schedules speak of it. */
export const OPERATIONS = {
  create: {
    answers: MADE,
    run: async ({ ask, owner }, { nth }) => [
      await ask('POST', '/v1/api-keys', {
        token: owner.token,
        body: { label: `created ${nth}`, permission_set: 'read_only' },
      }),
    ],
  },
  create_personal: {
    needs: ['people'],
    answers: MADE,
    run: async ({ ask, people }, { nth }) => [
      await ask('POST', '/v1/api-keys', {
        token: people[0]!.token,
        body: { label: `own ${nth}`, permission_set: 'read_only', owner: 'user' },
      }),
    ],
  },
  create_lost: {
    trouble: 'lost',
    answers: [503, 400, 409, 422, 423],
    run: async ({ ask, owner }) => [
      await ask('POST', '/v1/api-keys', { token: owner.token, body: { label: 'lost', permission_set: 'read_only' } }),
    ],
  },
  rotate: { answers: MADE, run: rotate(HOUR_MS / 1_000) },
  rotate_now: { answers: MADE, run: rotate(0) },
  rotate_down: { trouble: 'down', answers: [400, 404, 409, 423, 503], run: rotate(0) },
  suspend: { answers: [200, 400], run: async (scene) => [await turn(scene, 'suspend')] },
  suspend_resume: {
    answers: [200, 400],
    run: async (scene) => [await turn(scene, 'suspend'), await turn(scene, 'resume')],
  },
  patch: { answers: CHANGED, run: patch(restricted) },
  patch_end: { answers: CHANGED, run: patch(movedIn) },
  patch_end_down: { trouble: 'down', answers: CHANGED, run: patch(movedIn) },
  delete: { answers: [200], run: remove },
  delete_down: { trouble: 'down', answers: [200], run: remove },
  delete_lost: { trouble: 'lost', answers: [200], run: remove },
  expire_there: {
    answers: [],
    run: async (scene) => {
      const at = new Date(scene.world.clock().getTime() + 2 * HOUR_MS).toISOString();
      await scene.atWorkos('POST', `/api_keys/${scene.key.id}/expire`, { expires_at: at });
      return loops('events')(scene, { nth: 0 });
    },
  },
  delete_there: {
    answers: [],
    run: async (scene) => {
      await scene.atWorkos('DELETE', `/api_keys/${scene.key.id}`);
      return loops('events')(scene, { nth: 0 });
    },
  },
  late_orphan: {
    needs: ['given_up'],
    answers: [],
    run: async (scene) => {
      const path = `/organizations/${scene.organizationId}/api_keys`;
      await scene.atWorkos('POST', path, { name: scene.givenUp!.name });
      return loops('events')(scene, { nth: 0 });
    },
  },
  reconcile: {
    needs: ['drift'],
    answers: [],
    run: async ({ world, organizationId }) => {
      await world.reconcile({
        organizationId,
        dryRun: false,
        onFinding: ignore,
        onFailure: rethrow,
        onProgress: ignore,
      });
      return [];
    },
  },
  settle: { needs: ['waiting'], answers: [], run: loops('settle') },
  settle_late: {
    needs: ['waiting'],
    answers: [],
    async run(scene) {
      // Whoever makes a key is taken for dead.
      scene.world.advance(SETTLE_AFTER_MS + 1);
      return loops('settle')(scene, { nth: 0 });
    },
  },
  settle_down: { needs: ['waiting'], trouble: 'down', answers: [], run: loops('settle') },
  settle_refused: { needs: ['waiting', 'given_up'], trouble: 'refused', answers: [], run: loops('settle') },
  events: { answers: [], run: loops('events') },
  billing_webhook: {
    answers: [200],
    run: bill(() => ({ status: 'past_due', key_limit: 2 })),
  },
  plan_lowered: { answers: [200], run: byService(() => ({ status: 'active', plan: 'tiny' })) },
  decommission: {
    answers: [200],
    async run(scene) {
      const at = scene.world.clock().toISOString();
      const answers = await byService(() => ({ status: 'decommissioning', decommission_at: at }))(scene, { nth: 0 });
      await scene.world.background.runOnce('decommission');
      return answers;
    },
  },
  reactivate: { answers: [200], run: bill(() => ({ status: 'active' })) },
  members: { needs: ['people', 'asked'], answers: [], run: loops('members') },
  members_down: { needs: ['people', 'asked'], trouble: 'down', answers: [], run: loops('members') },
  members_refused: { needs: ['people', 'asked'], trouble: 'refused', answers: [], run: loops('members') },
  membership_ends: {
    needs: ['people'],
    answers: [],
    run: async (scene) => {
      await scene.atWorkos('PUT', `${MEMBERSHIPS}/${scene.people[0]!.membership}/deactivate`);
      return loops('events')(scene, { nth: 0 });
    },
  },
  membership_again: {
    needs: ['people'],
    answers: [200],
    // The webhook of what came last overtakes the poller, which then reads both.
    run: async (scene) => {
      const { people, atWorkos, deliver } = scene;
      await atWorkos('PUT', `${MEMBERSHIPS}/${people[0]!.membership}/deactivate`);
      await atWorkos('PUT', `${MEMBERSHIPS}/${people[0]!.membership}/reactivate`);
      const answers = await deliver('organization_membership.updated');
      await loops('events')(scene, { nth: 0 });
      return answers;
    },
  },
  role_narrowed: {
    needs: ['people', 'asked'],
    answers: [],
    run: async ({ role, people, atWorkos }) => {
      await atWorkos('PUT', `/authorization/roles/${role}/permissions`, { permissions: NARROW_PERMISSIONS });
      // They have the role that they had, from a later time on.
      for (const { membership } of people) await atWorkos('PUT', `${MEMBERSHIPS}/${membership}`, { role_slug: role });
      return [];
    },
  },
} as const satisfies Record<string, Operation>;

export type OperationName = keyof typeof OPERATIONS;
export const OPERATION_NAMES = Object.keys(OPERATIONS) as OperationName[];
export const operationOf = (name: OperationName): Operation => OPERATIONS[name];

/** The most keys that an organization of a scene may ever have. */
export const MOST_KEYS = PLANS.small;
