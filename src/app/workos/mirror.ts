import type { Knex } from 'knex';
import type { AuditLog } from '../../audit/audit-log.ts';
import type { ItemsOf } from '../../background/items.ts';
import { makeMirrorSessions } from '../../sessions/end-session.ts';
import type { MirrorSessions } from '../../sessions/end-session.ts';
import { makeWarnOfLargeRole } from '../../sessions/session-cookie-size.ts';
import { makeSessionRepository } from '../../sessions/session-repository.ts';
import { makeMirrorTenants } from '../../tenants/mirror-tenants.ts';
import type { MirrorTenants } from '../../tenants/mirror-tenants.ts';
import { makeKnownAccounts } from '../../sessions/sign-in/known-accounts.ts';
import type { Clock } from '../../clock.ts';
import type { Config } from '../../config/config.ts';
import type { FaultPoint } from '../../process/fault-point.ts';
import type { Route } from '../../http/route.ts';
import { hasMadeKeys, makeAnnounceKeysOf, revokeKeysOf } from '../../api-keys/mirror/keys-of-person.ts';
import { makeDescribeWorkosKey } from '../../api-keys/mirror/describe-workos-key.ts';
import type { Marker } from '../../api-keys/mirror/marker.ts';
import { makeMirrorKeys } from '../../api-keys/mirror/mirror-keys.ts';
import type { MirrorKeys } from '../../api-keys/mirror/mirror-keys.ts';
import { makeAskForMembers } from '../../members/ask-for-members.ts';
import { MEMBERS_LOOP, hastenMember, membersLagSeconds } from '../../members/due-members.ts';
import type { AskForMembers } from '../../members/ask-for-members.ts';
import { makeMirrorMembers } from '../../members/mirror-members.ts';
import type { MirrorMembers } from '../../members/mirror-members.ts';
import type { Catalogue } from '../../permissions/catalogue.ts';
import type { Product } from '../../product/product.ts';
import { deriveKeys } from '../../secrets.ts';
import { makeApplyEvent } from '../../workos-sync/apply-event.ts';
import type { ApplyEvent } from '../../workos-sync/apply-event.ts';
import type { Loop } from '../../background/loop.ts';
import { makeEventCursors } from '../../workos-sync/event-cursors.ts';
import type { RateLimiter } from '../../background/rate-limiter.ts';
import { makeCatchUp } from '../../workos-sync/catch-up.ts';
import { makeGap } from '../../invalidation/gap.ts';
import { makePollEvents } from '../../workos-sync/poll-events.ts';
import { makeRereadEvents } from '../../workos-sync/reread-events.ts';
import { makeUnreadableEvents } from '../../workos-sync/unreadable-events-repository.ts';
import type { EventsEnvironment } from '../../workos-sync/unreadable-events-repository.ts';
import { makeRecordUnreadable, makeRetryUnreadable } from '../../workos-sync/unreadable-events.ts';
import type { RecordUnreadable } from '../../workos-sync/unreadable-events.ts';
import { LIVE, TEST, workosWebhookRoute } from '../../workos-sync/workos-webhook.ts';
import type { Metrics } from '../../telemetry/metrics.ts';
import type { Announce } from '../../invalidation/announce.ts';
import type { WorkosEvent } from '../../workos/events/event.ts';
import type { WorkosGateway } from '../../workos/gateway.ts';
import { makeVerifyWebhook } from '../../workos/events/webhook-signature.ts';
import type { TestWorkos } from './gateway.ts';
import type { Logger } from 'pino';

/** A page is listed with retries and applied event by event, within so many request timeouts. */
const LEASE_DEADLINES = 12;

/** Half of the range that is read each time, so that two reads overlap. */
const REREAD_MS = 5 * 60_000;
const RETRY_MS = 10 * 60_000;

/** Reading a membership and its roles, each with one retry, takes at most so many request timeouts. */
const MEMBER_DEADLINES = 5;

type MirrorDeps = {
  product: Pick<Product, 'api_keys'>;
  db: Knex;
  catalogue: Catalogue;
  marker: Marker;
  announce: Announce;
  audit: AuditLog;
  clock: Clock;
};

/** Wires the writers of the mirror. */
export function makeMirror({ product, db, catalogue, marker, announce, audit, clock }: MirrorDeps) {
  const announceKeysOf = makeAnnounceKeysOf(announce);
  const mirrorMembers = makeMirrorMembers({ announce: announceKeysOf, revokeKeysOf, hasMadeKeys, audit, clock });
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
  const mirrorSessions = makeMirrorSessions({ sessions: makeSessionRepository(db), audit, announce });
  return { mirrorTenants, mirrorMembers, mirrorSessions, announceKeysOf, mirrorKeys, describe };
}

type MemberDeps = {
  config: Pick<Config, 'workos' | 'settleIntervalMs' | 'secret' | 'previousSecrets'>;
  db: Knex;
  workos: WorkosGateway;
  mirrorMembers: MirrorMembers;
  announceKeysOf: ReturnType<typeof makeAnnounceKeysOf>;
  rateLimiter: RateLimiter;
  itemsOf: ItemsOf;
  clock: Clock;
  log: Logger;
};

/** Wires the reader of members, its loop, and the known sign-in accounts. */
export function makeMemberParts({ config, announceKeysOf, itemsOf, rateLimiter, ...deps }: MemberDeps) {
  const leaseMs = MEMBER_DEADLINES * config.workos.timeoutMs;
  const { db, clock } = deps;
  const accounts = makeKnownAccounts({ db, keys: deriveKeys(config, 'sign-in account'), clock });
  const items = itemsOf(MEMBERS_LOOP, ({ id }, now) => hastenMember(db, id, now));
  const noteRole = makeWarnOfLargeRole(deps.log);
  const workos = {
    heldMs: deps.workos.heldMs,
    findMember: deps.workos.findMember,
    async findRole(organizationId: string, slug: string) {
      const role = await deps.workos.findRole(organizationId, slug);
      if (role) noteRole(role);
      return role;
    },
  };
  const asking = {
    ...deps,
    workos,
    items,
    announce: announceKeysOf,
    noteAccount: accounts.record,
    turn: rateLimiter.turn,
    leaseMs,
  };
  const { askDue, askAbout } = makeAskForMembers(asking);
  const loop: Loop = {
    name: MEMBERS_LOOP,
    everyMs: config.settleIntervalMs,
    step: askDue,
    lagSeconds: () => membersLagSeconds(db, clock()),
    items: items.deadLetters,
  };
  return { askAboutMember: askAbout, noteRole, membersLoop: loop, accounts };
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
  noteRole: ReturnType<typeof makeWarnOfLargeRole>;
  metrics: Metrics;
  itemsOf: ItemsOf;
  at: FaultPoint;
  clock: Clock;
  log: Logger;
};

/** Wires the loops and the webhook routes that bring WorkOS's events. */
export function makeEvents({ metrics, itemsOf, ...deps }: EventDeps) {
  const { config, db, clock } = deps;
  const { workosEvents } = metrics;
  const applyEvent = makeApplyEvent({ ...deps, workosEvents });
  const unreadable = makeUnreadableEvents(db);
  const { testWorkos } = deps;
  const recordingFor = (environment: EventsEnvironment) =>
    makeRecordUnreadable({ ...deps, unreadable, environment, workosEvents });
  const polling = { ...deps, applyEvent, workosEvents, leaseMs: LEASE_DEADLINES * config.workos.timeoutMs };
  const startedAt = clock();
  const all = streamsOf(deps.workos, testWorkos);
  const streams = all.map(({ cursor }) => cursor);
  const loopsOf = (stream: Stream): Loop[] => {
    const { name, cursor, workos } = stream;
    const recordUnreadable = recordingFor(stream.environment);
    const cursors = makeEventCursors(db, cursor);
    const items = itemsOf(name);
    const rereading = { ...polling, workos, recordUnreadable, everyMs: REREAD_MS };
    return [
      {
        name,
        everyMs: config.eventsIntervalMs,
        step: makeCatchUp({
          ...deps,
          gap: makeGap(db),
          cursors,
          streams,
          pollEvents: makePollEvents({ ...polling, cursors, items, workos, recordUnreadable }),
        }),
        catchesUp: true,
        lagSeconds: async () => (clock().getTime() - ((await cursors.polledAt()) ?? startedAt).getTime()) / 1_000,
        items: items.deadLetters,
      },
      {
        name: `late_${name}`,
        everyMs: REREAD_MS,
        step: makeRereadEvents({ ...rereading, items, cursors: makeEventCursors(db, `${cursor}_reread`) }),
        bulk: 'the polling loop sets aside events that fail',
      },
    ];
  };
  const retryUnreadable = makeRetryUnreadable({ ...deps, unreadable, toLive: toLiveOf(testWorkos), applyEvent });
  return {
    loops: [...all.flatMap(loopsOf), retryLoop(retryUnreadable)],
    unreadable,
    retryUnreadable,
    routes: () => webhookRoutes({ ...deps, applyEvent, recordingFor, workosEvents }),
  };
}

type Stream = {
  name: string;
  /** The name of its row in `event_cursors`. */
  cursor: string;
  environment: EventsEnvironment;
  workos: Pick<WorkosGateway, 'listEvents'>;
};

function streamsOf(workos: WorkosGateway, testWorkos: TestWorkos | undefined): Stream[] {
  const live: Stream = { name: 'events', cursor: 'workos', environment: 'live', workos };
  if (!testWorkos) return [live];
  return [live, { name: 'test_events', cursor: 'workos_test', environment: 'test', workos: testWorkos.gateway }];
}

function retryLoop(retryUnreadable: ReturnType<typeof makeRetryUnreadable>): Loop {
  return {
    name: 'unreadable_events',
    everyMs: RETRY_MS,
    step: async (signal) => void (await retryUnreadable(RETRY_MS, signal)),
    bulk: 'an event that fails stays stored, and the others go on',
  };
}

/** Events of the test environment name its own organizations, which are translated. */
function toLiveOf(testWorkos: TestWorkos | undefined) {
  return (event: WorkosEvent, environment: EventsEnvironment): Promise<WorkosEvent | undefined> =>
    environment === 'live' ? Promise.resolve(event) : (testWorkos?.gateway.toLive(event) ?? Promise.resolve(undefined));
}

const itself = (event: WorkosEvent): Promise<WorkosEvent> => Promise.resolve(event);

type WebhookDeps = Pick<EventDeps, 'config' | 'testWorkos'> & {
  applyEvent: ApplyEvent;
  recordingFor: (environment: EventsEnvironment) => RecordUnreadable;
  workosEvents: Metrics['workosEvents'];
};

/** An environment without a webhook secret has no route. */
function webhookRoutes({ config, testWorkos, recordingFor, ...deps }: WebhookDeps): Route[] {
  const { test, ...live } = config.workos;
  const routes: Route[] = [];
  if (live.webhookSecret !== undefined) {
    const verify = makeVerifyWebhook(live.webhookSecret, live);
    const recordUnreadable = recordingFor('live');
    routes.push(workosWebhookRoute({ ...deps, address: LIVE, verify, recordUnreadable, toLive: itself }));
  }
  if (test?.webhookSecret !== undefined && testWorkos) {
    const verify = makeVerifyWebhook(test.webhookSecret, test);
    const recordUnreadable = recordingFor('test');
    routes.push(
      workosWebhookRoute({ ...deps, address: TEST, verify, recordUnreadable, toLive: testWorkos.gateway.toLive }),
    );
  }
  return routes;
}
