import type { OrganizationIpAllowLists } from '../tenants/organization-ip-allow-lists.ts';
import { isOfKey } from '../invalidation/recent-changes.ts';
import type { FindSession } from '../sessions/live-sessions.ts';
import type { ReadMirror } from '../verification/mirror-record.ts';
import type { ReadInRegion } from './read-in-region.ts';
import type { RegionProof } from './region-proof.ts';

type Region = { proof: Pick<RegionProof, 'hasChanged'>; read: ReadInRegion };
type Both<Reader> = { region: Reader; home: Reader };
type FindByHashes<Session> = (hashes: readonly Buffer[]) => Promise<Session | undefined>;
type FindList = OrganizationIpAllowLists['findOfTenant'];

/** Reads keys by their HMACs. A key that is revoked, or whose owner is missing, is read at home. */
export function readKeysInRegion({ proof, read }: Region, { region, home }: Both<ReadMirror>): ReadMirror {
  return async (hashes) => {
    const { value, asOfMs } = await read({
      region: () => region(hashes),
      home: () => home(hashes),
      isEnough: ({ record }, mark) =>
        !record.revoked &&
        !proof.hasChanged(mark, (change) => change.sessionId === undefined && isOfKey(change, record)),
    });
    return value && { ...value, asOfMs };
  };
}

export function findSessionsInRegion(
  { proof, read }: Region,
  { region, home }: Both<(sessionId: string) => ReturnType<FindSession>>,
): FindSession {
  return async (sessionId, isGood) => {
    const { value } = await read({
      region: () => region(sessionId),
      home: () => home(sessionId),
      isEnough: (session, mark) =>
        isGood(session) && !proof.hasChanged(mark, (change) => change.sessionId === sessionId),
    });
    return value;
  };
}

export function findTokensInRegion<Session extends { sessionId: string }>(
  { proof, read }: Region,
  { region, home }: Both<FindByHashes<Session>>,
): FindByHashes<Session> {
  return async (hashes) => {
    const { value } = await read({
      region: () => region(hashes),
      home: () => home(hashes),
      isEnough: ({ sessionId }, mark) => !proof.hasChanged(mark, (change) => change.sessionId === sessionId),
    });
    return value;
  };
}

/** Finds the IP allow lists of organizations. One whose tenant is missing is read at home: no list allows everything. */
export function findListsInRegion({ proof, read }: Region, { region, home }: Both<FindList>): FindList {
  return async (organizationId) => {
    const { value } = await read({
      region: () => region(organizationId),
      home: () => home(organizationId),
      isEnough: (_list, mark) =>
        !proof.hasChanged(
          mark,
          (change) =>
            change.organizationId === organizationId && change.keyId === undefined && change.sessionId === undefined,
        ),
    });
    return value;
  };
}
