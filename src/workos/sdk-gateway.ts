import { WorkOS } from '@workos-inc/node';
import { z } from 'zod';
import { ID } from '../ids.ts';
import type { Metrics } from '../telemetry/metrics.ts';
import { auditCalls } from './audit-calls.ts';
import { EVENT_TYPES, RawKey, RawAnsweredMember, RawOrganization, RawRole } from './events/event.ts';
import { WorkosFailure } from './failure.ts';
import type { EventsFrom, IssuedKey, NewOrganizationKey, WorkosGateway } from './gateway.ts';
import { RawMembership } from './memberships.ts';
import type { HoldOff } from './hold-off.ts';
import { listPages } from './answers/list-pages.ts';
import { throwErrorAnswers } from './answers/read-answer.ts';
import { readEventsPage } from './events/read-events-page.ts';
import { workosTime } from './events/time.ts';
import { personName } from './person-name.ts';
import { assertNotHeld, makeResilience } from './resilience.ts';
import type { Operation } from './resilience.ts';
import { sealedSessions } from './sealed-session.ts';
import { sessionCalls } from './session-calls.ts';

type Options = {
  apiKey: string;
  clientId: string;
  cookiePassword: string;
  apiUrl: string;
  timeoutMs: number;
  breakerFailures: number;
  /** The version of the schemas that Audit Logs validate events by. */
  auditSchemaVersion?: number;
  /** Undefined: a 429 is retried within the budget of its operation. */
  holdOffs?: HoldOffs | undefined;
  /** Waits until a hold-off ends instead of failing. */
  waitsOutHoldOffs?: boolean | undefined;
  workosCalls: Metrics['workosCalls'];
  /** Makes a span of a call. */
  traceCall?: Call | undefined;
};

/** WorkOS limits Audit Logs separately: their 429 must not refuse the creation of keys. */
export type HoldOffs = { general: HoldOff; auditLogs: HoldOff };

type Call = <T>(operation: Operation, run: () => Promise<T>) => Promise<T>;

const MAX_MEMBERSHIPS = 100;
const NOT_FOUND = 404;
const CONFLICT = 409;

// The SDK's methods for keys drop `expires_at`: the generic calls are used, and their answers validated here.
const CreatedKey = z.object({
  id: z.string().regex(ID),
  value: z.string().min(1),
  obfuscated_value: z.string().min(1),
});
const ExpiredKey = z.object({ updated_at: workosTime });
const Validation = z.object({ api_key: RawKey.nullable() });
const RawMetadata = z.object({ metadata: z.record(z.string(), z.string()).default({}) });
const Memberships = z.object({ data: z.array(RawMembership).max(MAX_MEMBERSHIPS) });
const Members = z.object({ data: z.array(RawAnsweredMember) });

/** Creates the gateway over WorkOS's official SDK, with our deadlines and budgets instead of the SDK's hidden retries. */
export function makeSdkGateway({
  workosCalls,
  traceCall = (_operation, run) => run(),
  cookiePassword,
  timeoutMs,
  breakerFailures,
  auditSchemaVersion = 1,
  holdOffs,
  waitsOutHoldOffs,
  ...options
}: Options): WorkosGateway {
  const workos = makeClient(options, timeoutMs);
  const watched: Call = (operation, run) => traceCall(operation, () => measure(workosCalls, operation, run));
  const general = makeResilience({ breakerFailures, holdOff: holdOffs?.general, waitsOutHoldOffs });
  const call: Call = (operation, run) => watched(operation, () => general.resilient(operation, run));
  // An outage of Audit Logs must not open the breaker of other calls.
  const ofAudit = makeResilience({ breakerFailures, holdOff: holdOffs?.auditLogs, waitsOutHoldOffs });
  const callAudit: Call = (operation, run) => watched(operation, () => ofAudit.resilient(operation, run));
  return {
    ...keyCalls(workos, call),
    ...listCalls(workos, call),
    ...organizationCalls(workos, call),
    ...peopleCalls(workos, call),
    ...sessionCalls({ workos, call, clientId: options.clientId, apiKey: options.apiKey }),
    ...auditCalls({ workos, call: callAudit, version: auditSchemaVersion }),
    async assertCallable() {
      general.assertClosed();
      if (holdOffs) await assertNotHeld(holdOffs.general);
    },
    heldMs: () => (waitsOutHoldOffs ? 0 : (holdOffs?.general.knownMs() ?? 0)),
    ...sealedSessions(workos, cookiePassword),
    isReachable: () =>
      workos.get(`/sso/jwks/${encodeURIComponent(options.clientId)}`).then(
        () => true,
        () => false,
      ),
  };
}

function keyCalls(workos: WorkOS, call: Call) {
  return {
    createOrganizationKey: (key) =>
      call('create_key', async () => {
        const path = `/organizations/${encodeURIComponent(key.organizationId)}/api_keys`;
        return readIssued(await workos.post(path, newKeyBody(key)));
      }),

    createUserKey: (key) =>
      call('create_key', async () => {
        const path = `/user_management/users/${encodeURIComponent(key.userId)}/api_keys`;
        return readIssued(await workos.post(path, { ...newKeyBody(key), organization_id: key.organizationId }));
      }),

    deleteKey: (workosId) =>
      tolerate(
        [NOT_FOUND],
        call('delete_key', () => workos.delete(`/api_keys/${encodeURIComponent(workosId)}`)),
      ),

    async expireKey(workosId, expiresAt) {
      const path = `/api_keys/${encodeURIComponent(workosId)}/expire`;
      const expired = call('expire_key', async () => {
        const { data } = await workos.post(path, { expires_at: expiresAt?.toISOString() ?? null });
        return ExpiredKey.parse(data).updated_at;
      });
      return tolerate([NOT_FOUND, CONFLICT], expired);
    },

    validateKey: (value) =>
      call('validate_key', async () => {
        const { data } = await workos.post('/api_keys/validations', { value });
        return Validation.parse(data).api_key ?? undefined;
      }),
  } satisfies Partial<WorkosGateway>;
}

function newKeyBody({ name, permissions, expiresAt }: NewOrganizationKey) {
  return { name, permissions, ...(expiresAt && { expires_at: expiresAt.toISOString() }) };
}

function readIssued({ data }: { data: unknown }): IssuedKey {
  const { id, value, obfuscated_value } = CreatedKey.parse(data);
  return { id, value, obfuscatedValue: obfuscated_value };
}

function listCalls(workos: WorkOS, call: Call) {
  return {
    listOrganizationKeys: (organizationId) =>
      listPages(RawKey, (query) =>
        call('list_keys', () => workos.get(`/organizations/${encodeURIComponent(organizationId)}/api_keys`, { query })),
      ),

    listUserKeys: (organizationId, userId) =>
      listPages(RawKey, (page) => {
        const query = { ...page, organization_id: organizationId };
        return call('list_keys', () =>
          workos.get(`/user_management/users/${encodeURIComponent(userId)}/api_keys`, { query }),
        );
      }),

    listOrganizations: () =>
      listPages(RawOrganization, (query) => call('list_organizations', () => workos.get('/organizations', { query }))),

    listEvents: (from) =>
      call('list_events', async () => {
        const { data } = await workos.get('/events', { query: eventsQuery(from) });
        return readEventsPage(data, 'after' in from ? from.after : undefined);
      }),
  } satisfies Partial<WorkosGateway>;
}

function organizationCalls(workos: WorkOS, call: Call) {
  return {
    findOrganizationByExternalId(externalId) {
      const path = `/organizations/external_id/${encodeURIComponent(externalId)}`;
      const find = () => call('find_organization', async () => RawOrganization.parse((await workos.get(path)).data));
      return tolerate([NOT_FOUND], find());
    },

    async organizationMetadata(organizationId) {
      const path = `/organizations/${encodeURIComponent(organizationId)}`;
      const find = () =>
        call('find_organization', async () => RawMetadata.parse((await workos.get(path)).data).metadata);
      return (await tolerate([NOT_FOUND], find())) ?? {};
    },

    createOrganization: ({ name, externalId }) =>
      call('create_organization', async () => {
        const { data } = await workos.post('/organizations', { name, external_id: externalId });
        return RawOrganization.parse(data);
      }),
  } satisfies Partial<WorkosGateway>;
}

function peopleCalls(workos: WorkOS, call: Call) {
  return {
    getUser: (userId) =>
      call('get_user', async () => {
        const user = await workos.userManagement.getUser(userId);
        return { id: user.id, email: user.email, name: personName(user), externalId: user.externalId ?? undefined };
      }),

    findUserEmail: (id) =>
      orNone(call('get_user', async () => (await workos.userManagement.getUserByExternalId(id)).email)),

    listMemberships: (userId) =>
      call('list_memberships', async () => {
        const query = { user_id: userId, statuses: 'active', limit: String(MAX_MEMBERSHIPS) };
        const { data } = await workos.get('/user_management/organization_memberships', { query });
        return Memberships.parse(data).data;
      }),

    findMember: (organizationId, userId) =>
      orNone(
        call('find_member', async () => {
          const query = { organization_id: organizationId, user_id: userId, statuses: 'active,inactive,pending' };
          const { data } = await workos.get('/user_management/organization_memberships', { query });
          const members = Members.parse(data).data;
          return members.find((member) => member.organizationId === organizationId && member.userId === userId);
        }),
      ),

    findRole: (organizationId, slug) =>
      orNone(
        call('find_role', async () => {
          const organization = encodeURIComponent(organizationId);
          const path = `/authorization/organizations/${organization}/roles/${encodeURIComponent(slug)}`;
          return RawRole.parse((await workos.get(path)).data);
        }),
      ),
  } satisfies Partial<WorkosGateway>;
}

function eventsQuery(from: EventsFrom): Record<string, string> {
  const position: Record<string, string> =
    'after' in from
      ? { after: from.after }
      : {
          range_start: from.rangeStart.toISOString(),
          ...(from.rangeEnd && { range_end: from.rangeEnd.toISOString() }),
        };
  return { events: EVENT_TYPES.join(','), limit: '100', ...position };
}

/** @returns undefined when WorkOS answers with one of these statuses: the work is done already */
async function tolerate<T>(statuses: readonly number[], done: Promise<T>): Promise<T | undefined> {
  try {
    return await done;
  } catch (error) {
    const status = error instanceof WorkosFailure ? error.workosStatus : undefined;
    if (status === undefined || !statuses.includes(status)) throw error;
    return undefined;
  }
}

/** @returns undefined for a 404 */
async function orNone<T>(asked: Promise<T>): Promise<T | undefined> {
  try {
    return await asked;
  } catch (error) {
    if (error instanceof WorkosFailure && error.workosStatus === NOT_FOUND) return undefined;
    throw error;
  }
}

async function measure<T>(
  workosCalls: Metrics['workosCalls'],
  operation: Operation,
  run: () => Promise<T>,
): Promise<T> {
  const stop = workosCalls.startTimer({ operation });
  try {
    const result = await run();
    stop({ outcome: 'ok' });
    return result;
  } catch (error) {
    stop({ outcome: error instanceof WorkosFailure ? error.kind : 'unavailable' });
    throw error;
  }
}

function makeClient(
  { apiKey, clientId, apiUrl }: Pick<Options, 'apiKey' | 'clientId' | 'apiUrl'>,
  timeout: number,
): WorkOS {
  const { hostname, port, protocol } = new URL(apiUrl);
  return new WorkOS({
    apiKey,
    clientId,
    apiHostname: hostname,
    ...(port && { port: Number(port) }),
    https: protocol === 'https:',
    timeout,
    maxRetries: 0,
    fetchFn: throwErrorAnswers(fetch),
  });
}
