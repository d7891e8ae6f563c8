import type { Knex } from 'knex';
import type { AuditLog } from '../audit/audit-log.ts';
import { makeMirrorSessions } from '../auth/mirror-sessions.ts';
import type { MirrorSessions } from '../auth/mirror-sessions.ts';
import { makeMirrorTenants } from '../billing/mirror-tenants.ts';
import type { MirrorTenants } from '../billing/mirror-tenants.ts';
import type { Clock } from '../clock.ts';
import type { Config } from '../config.ts';
import type { FaultPoint } from '../fault-point.ts';
import type { Route } from '../http/route.ts';
import { makeAnnounceKeysOf, revokeKeysOf } from '../keys/keys-of-person.ts';
import { makeDescribeWorkosKey } from '../keys/describe-workos-key.ts';
import type { Marker } from '../keys/marker.ts';
import { makeMirrorKeys } from '../keys/mirror-keys.ts';
import type { MirrorKeys } from '../keys/mirror-keys.ts';
import { makeAskForMembers } from '../members/ask-for-members.ts';
import type { AskForMembers } from '../members/ask-for-members.ts';
import { makeMirrorMembers } from '../members/mirror-members.ts';
import type { MirrorMembers } from '../members/mirror-members.ts';
import type { Catalogue } from '../permissions/catalogue.ts';
import type { Product } from '../permissions/product.ts';
import { makeApplyEvent } from '../sync/apply-event.ts';
import type { ApplyEvent } from '../sync/apply-event.ts';
import type { Loop } from '../sync/background.ts';
import { makeEventCursors } from '../sync/event-cursors.ts';
import { makePace } from '../sync/pace.ts';
import { makePollEvents } from '../sync/poll-events.ts';
import { LIVE, TEST, workosHookRoute } from '../sync/workos-hook.ts';
import type { Metrics } from '../telemetry/metrics.ts';
import type { Announce } from '../verification/announce.ts';
import type { WorkosGateway } from '../workos/gateway.ts';
import type { TestGateway } from '../workos/test-gateway.ts';
import { makeVerifyWebhook } from '../workos/webhook-signature.ts';
import type { TestWorkos } from './workos-parts.ts';
import type { Logger } from 'pino';

/** A page is listed with retries and applied event by event: as much as so many deadlines of one request. */
const LEASE_DEADLINES = 12;

/** A membership and its roles are asked for, each twice at most. */
const ASKING_DEADLINES = 5;

type MirrorDeps = {
  product: Pick<Product, 'api_keys'>;
  catalogue: Catalogue;
  marker: Marker;
  announce: Announce;
  audit: AuditLog;
  clock: Clock;
};

/** What writes WorkOS's word into the mirror. */
export function makeMirror({ product, catalogue, marker, announce, audit, clock }: MirrorDeps) {
  const announceKeysOf = makeAnnounceKeysOf(announce);
  const mirrorMembers = makeMirrorMembers({ announce: announceKeysOf, revokeKeysOf, audit, clock });
  const mirrorTenants = makeMirrorTenants({ audit, firstPosture: catalogue.firstPosture, clock });
  const describe = makeDescribeWorkosKey(catalogue);
  const mirrorKeys = makeMirrorKeys({
    holdTenant: mirrorTenants.hold,
    holdOwner: product.api_keys.owners.includes('user')
      ? (trx, key) => mirrorMembers.ownsKey(trx, key, key.createdAt)
      : undefined,
    describe,
    marker,
    audit,
    clock,
  });
  const mirrorSessions = makeMirrorSessions({ audit, announce });
  return { mirrorTenants, mirrorMembers, mirrorSessions, announceKeysOf, mirrorKeys, describe };
}

type MemberDeps = {
  config: Pick<Config, 'workos' | 'settleIntervalMs'>;
  db: Knex;
  workos: WorkosGateway;
  mirrorMembers: MirrorMembers;
  announceKeysOf: ReturnType<typeof makeAnnounceKeysOf>;
  clock: Clock;
  log: Logger;
};

/** What asks WorkOS of people, and its loop. */
export function makeMemberParts({ config, announceKeysOf, ...deps }: MemberDeps) {
  const { turn } = makePace(config.workos.settlementsPerSecond);
  const leaseMs = ASKING_DEADLINES * config.workos.timeoutMs;
  const { askDue, askAbout } = makeAskForMembers({ ...deps, announce: announceKeysOf, turn, leaseMs });
  const loop: Loop = { name: 'members', everyMs: config.settleIntervalMs, step: askDue };
  return { askAboutMember: askAbout, membersLoop: loop };
}

type EventDeps = {
  config: Config;
  db: Knex;
  workos: WorkosGateway;
  testWorkos: TestWorkos | undefined;
  mirrorKeys: MirrorKeys;
  mirrorTenants: MirrorTenants;
  mirrorMembers: MirrorMembers;
  mirrorSessions: MirrorSessions;
  askAboutMember: AskForMembers['askAbout'];
  metrics: Metrics;
  at: FaultPoint;
  clock: Clock;
  log: Logger;
};

/** The two ways by which WorkOS's events come. */
export function makeEvents({ metrics, ...deps }: EventDeps) {
  const { config, db, clock } = deps;
  const { workosEvents } = metrics;
  const applyEvent = makeApplyEvent({ ...deps, workosEvents });
  const cursors = makeEventCursors(db, 'workos');
  const polling = { ...deps, applyEvent, workosEvents, leaseMs: LEASE_DEADLINES * config.workos.timeoutMs };
  const pollEvents = makePollEvents({ ...polling, cursors });
  const { testWorkos } = deps;
  const pollTest = (workos: TestGateway) =>
    makePollEvents({ ...polling, cursors: makeEventCursors(db, 'workos_test'), workos });
  const startedAt = clock();
  const loop = (name: string, step: Loop['step']): Loop => ({ name, everyMs: config.eventsIntervalMs, step });
  return {
    loops: [loop('events', pollEvents), ...(testWorkos ? [loop('test_events', pollTest(testWorkos.gateway))] : [])],
    routes: () => hookRoutes({ ...deps, applyEvent, workosEvents }),
    lagSeconds: async (): Promise<number> =>
      (clock().getTime() - ((await cursors.polledAt()) ?? startedAt).getTime()) / 1_000,
  };
}

type HookDeps = Pick<EventDeps, 'config' | 'testWorkos' | 'log'> & {
  applyEvent: ApplyEvent;
  workosEvents: Metrics['workosEvents'];
};

/** Nobody can sign anything where there is no secret, and so there is no route. */
function hookRoutes({ config, testWorkos, ...deps }: HookDeps): Route[] {
  const { test, ...live } = config.workos;
  const routes: Route[] = [];
  if (live.webhookSecret !== undefined) {
    const verify = makeVerifyWebhook(live.webhookSecret, live);
    routes.push(workosHookRoute({ ...deps, place: LIVE, verify, asOurs: (event) => Promise.resolve(event) }));
  }
  if (test?.webhookSecret !== undefined && testWorkos) {
    const verify = makeVerifyWebhook(test.webhookSecret, test);
    routes.push(workosHookRoute({ ...deps, place: TEST, verify, asOurs: testWorkos.gateway.asOurs }));
  }
  return routes;
}
