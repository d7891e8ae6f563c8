import { AppError } from '../errors.ts';

export type Slots = ReturnType<typeof makeSlots>;

type Options = {
  /** Most at once of a process. */
  max: number;
  /** Most at once of one organization. */
  maxPerOrganization: number;
  count?: (outcome: 'taken' | 'refused') => void;
  /** The message of the refusal. */
  refusal: string;
};

const RETRY_SECONDS = 1;

/** Bounds what runs at once in this process, in all and for each organization. */
export function makeSlots({ max, maxPerOrganization, count = () => undefined, refusal }: Options) {
  const taken = new Map<string, number>();
  let all = 0;

  return {
    /**
     * Takes a slot for an organization.
     * @returns how to give it back; the second call does nothing
     * @throws AppError `concurrency_limited`
     */
    take(organizationId: string): () => void {
      const own = taken.get(organizationId) ?? 0;
      const hasRoom = all < max && own < maxPerOrganization;
      count(hasRoom ? 'taken' : 'refused');
      if (!hasRoom) throw new AppError('concurrency_limited', refusal, { details: { retry_after: RETRY_SECONDS } });
      all++;
      taken.set(organizationId, own + 1);
      let isHeld = true;
      return () => {
        if (!isHeld) return;
        isHeld = false;
        all--;
        const left = taken.get(organizationId)! - 1;
        if (left === 0) taken.delete(organizationId);
        else taken.set(organizationId, left);
      };
    },
  };
}
