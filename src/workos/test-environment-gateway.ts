import type { WorkosKey } from './entities.ts';
import type { WorkosEvent } from './events/event.ts';
import { WorkosFailure } from './failure.ts';
import type { KeyGateway, WorkosGateway } from './gateway.ts';

/** Maps live organizations to the organizations that stand for them in the test environment. */
type Organizations = {
  /** Creates it if there is none. */
  of: (organizationId: string) => Promise<string>;
  knownOf: (organizationId: string) => Promise<string | undefined>;
  ownerOf: (testOrganizationId: string) => Promise<string | undefined>;
  forget: (organizationId: string, testOrganizationId: string) => Promise<void>;
};

/** The gateway for test keys, which also translates events that webhooks bring. */
export type TestGateway = KeyGateway & {
  /** Translates an event of a test key into live organization ids; undefined for an event that changes nothing here. */
  toLive: (event: WorkosEvent) => Promise<WorkosEvent | undefined>;
};

const NOT_FOUND = 404;

/**
 * The test environment of WorkOS, addressed by the ids of live organizations. Leaves out keys and events of organizations
 * that stand for none of them, and all events of organizations and people: those come from the live environment.
 */
export function makeTestGateway(workos: WorkosGateway, organizations: Organizations): TestGateway {
  const keyToLive = async (key: WorkosKey | undefined): Promise<WorkosKey | undefined> => {
    const organizationId = key && (await organizations.ownerOf(key.organizationId));
    // Test keys belong to organizations: people of the test environment are unknown here.
    if (!key || organizationId === undefined || key.userId !== undefined) return undefined;
    return { ...key, organizationId, environment: 'test' };
  };

  const toLive = async (event: WorkosEvent): Promise<WorkosEvent | undefined> => {
    const key = 'key' in event ? await keyToLive(event.key) : undefined;
    return 'key' in event && key ? { ...event, key } : undefined;
  };

  return {
    toLive,
    assertCallable: workos.assertCallable,
    heldMs: workos.heldMs,
    deleteKey: workos.deleteKey,
    expireKey: workos.expireKey,
    createUserKey: () => Promise.reject(new Error('a test key cannot be personal')),
    validateKey: async (value) => keyToLive(await workos.validateKey(value)),

    async createOrganizationKey(key) {
      const theirs = await organizations.of(key.organizationId);
      try {
        return await workos.createOrganizationKey({ ...key, organizationId: theirs });
      } catch (error) {
        if (!(error instanceof WorkosFailure) || error.workosStatus !== NOT_FOUND) throw error;
        await organizations.forget(key.organizationId, theirs);
        return workos.createOrganizationKey({ ...key, organizationId: await organizations.of(key.organizationId) });
      }
    },

    async *listOrganizationKeys(organizationId) {
      const theirs = await organizations.knownOf(organizationId);
      if (theirs === undefined) return;
      for await (const key of workos.listOrganizationKeys(theirs))
        yield { ...key, organizationId, environment: 'test' as const };
    },

    async *listUserKeys() {
      // The test environment has no personal keys.
    },

    async listEvents(from) {
      const { events, ...page } = await workos.listEvents(from);
      const ours: WorkosEvent[] = [];
      for (const event of events) {
        const own = await toLive(event);
        if (own) ours.push(own);
      }
      return { ...page, events: ours };
    },
  };
}
