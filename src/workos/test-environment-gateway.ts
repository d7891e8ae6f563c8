import type { WorkosKey } from './entities.ts';
import type { WorkosEvent } from './events/event.ts';
import { WorkosFailure } from './failure.ts';
import type { WorkosGateway } from './gateway.ts';

/** Which organization of the test environment stands for which of ours. */
type Organizations = {
  /** Makes it if need be. */
  of: (organizationId: string) => Promise<string>;
  knownOf: (organizationId: string) => Promise<string | undefined>;
  ownerOf: (testOrganizationId: string) => Promise<string | undefined>;
  forget: (organizationId: string, testOrganizationId: string) => Promise<void>;
};

/** What is asked of WorkOS about keys, of either environment. */
export type KeyGateway = Pick<
  WorkosGateway,
  | 'refuseInVain'
  | 'heldMs'
  | 'createOrganizationKey'
  | 'createUserKey'
  | 'deleteKey'
  | 'expireKey'
  | 'validateKey'
  | 'listOrganizationKeys'
  | 'listUserKeys'
  | 'listEvents'
>;

/** The same of the test environment, and its events, which webhooks bring as well. */
export type TestGateway = KeyGateway & {
  /** The event in our ids, of a test key; undefined for one that changes nothing here. */
  asOurs: (event: WorkosEvent) => Promise<WorkosEvent | undefined>;
};

const NOT_FOUND = 404;

/**
 * WorkOS's test environment, spoken to in our own organizations' ids. What it tells of organizations that stand for
 * none of ours is left out; and so is all that it tells of organizations and people, who are those of the live one.
 */
export function makeTestGateway(workos: WorkosGateway, organizations: Organizations): TestGateway {
  const keyAsOurs = async (key: WorkosKey | undefined): Promise<WorkosKey | undefined> => {
    const organizationId = key && (await organizations.ownerOf(key.organizationId));
    // A test key is its organization's: the people of the test environment are nobody's here.
    if (!key || organizationId === undefined || key.userId !== undefined) return undefined;
    return { ...key, organizationId, environment: 'test' };
  };

  const asOurs = async (event: WorkosEvent): Promise<WorkosEvent | undefined> => {
    const key = 'key' in event ? await keyAsOurs(event.key) : undefined;
    return 'key' in event && key ? { ...event, key } : undefined;
  };

  return {
    asOurs,
    refuseInVain: workos.refuseInVain,
    heldMs: workos.heldMs,
    deleteKey: workos.deleteKey,
    expireKey: workos.expireKey,
    createUserKey: () => Promise.reject(new Error('a test key has no person')),
    validateKey: async (value) => keyAsOurs(await workos.validateKey(value)),

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
      // There are none.
    },

    async listEvents(from) {
      const { events, ...page } = await workos.listEvents(from);
      const ours: WorkosEvent[] = [];
      for (const event of events) {
        const own = await asOurs(event);
        if (own) ours.push(own);
      }
      return { ...page, events: ours };
    },
  };
}
