import { createHmac, timingSafeEqual } from 'node:crypto';

const MAC_CHARACTERS = 12;
const MARKED = /^(.*) \[lk:([0-9A-HJKMNP-TV-Z]{26}):([0-9a-f]{12})\]$/su;

export type Marker = ReturnType<typeof makeMarker>;

/**
 * The name that a key gets at WorkOS: its label and a marker of our row, with a code that only this installation can
 * make. A key that carries it was asked for here, whatever became of the answer; no other key can claim so. Marks of
 * earlier secrets are still read.
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

    /** The row that a key's name proves to belong to; undefined for a key that is not ours. */
    rowOf: (name: string, organizationId: string): string | undefined => read(name, organizationId)?.rowId,
  };
}
