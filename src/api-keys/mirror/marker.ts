import { createHmac, timingSafeEqual } from 'node:crypto';

const MAC_CHARACTERS = 12;
const MARKED = /^(.*) \[lk:([0-9A-HJKMNP-TV-Z]{26}):([0-9a-f]{12})\]$/su;

export type Marker = ReturnType<typeof makeMarker>;

/**
 * Makes and reads the names of keys at WorkOS: the label and a marker with the row's id and a MAC. The MAC proves that
 * this installation asked for the key, whatever became of the answer. Markers of earlier secrets are still read.
 */
export function makeMarker(current: Buffer, ...previous: Buffer[]) {
  const macOf = (organizationId: string, rowId: string, secret = current) =>
    createHmac('sha256', secret).update(`${organizationId}\n${rowId}`).digest('hex').slice(0, MAC_CHARACTERS);

  function read(name: string, organizationId: string): { label: string; rowId: string } | undefined {
    const [, label, rowId, mac] = MARKED.exec(name) ?? [];
    if (label === undefined || rowId === undefined || mac === undefined) return undefined;
    const isOurs = [current, ...previous].some((secret) =>
      timingSafeEqual(Buffer.from(mac), Buffer.from(macOf(organizationId, rowId, secret))),
    );
    return isOurs ? { label, rowId } : undefined;
  }

  return {
    mark: (label: string, organizationId: string, rowId: string): string =>
      `${label} [lk:${rowId}:${macOf(organizationId, rowId)}]`,

    read,

    /** @returns the id of the row that the marker proves; undefined for a key of another origin */
    rowOf: (name: string, organizationId: string): string | undefined => read(name, organizationId)?.rowId,
  };
}
