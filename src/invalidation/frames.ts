import type { Position } from './invalidation-hub.ts';
import type { Invalidation } from './invalidation.ts';
import type { StreamIds } from './stream-ids.ts';

export type Frames = ReturnType<typeof makeFrames>;

type Frame = Position & { text: string };

/** Streams that are further behind have their frames made again. */
const KEPT = 1_024;

/** Makes the events of streams. That of a change is made once for all streams, since its id costs more than its write. */
export function makeFrames(ids: Pick<StreamIds, 'write'>) {
  const kept: Frame[] = [];

  return {
    /** Returns the event of the change at this position. */
    ofChange({ epoch, number }: Position, change: Invalidation): string {
      const known = kept[number % KEPT];
      if (known?.number === number && known.epoch === epoch) return known.text;
      const text = frame(ids.write({ epoch, number }), 'invalidation', viewOf(change));
      kept[number % KEPT] = { epoch, number, text };
      return text;
    },

    ofGreeting: (at: Position, event: 'hello' | 'reset', heartbeatMs: number): string =>
      frame(ids.write(at), event, { heartbeat_ms: heartbeatMs }),
  };
}

function viewOf({ organizationId, keyId }: Invalidation): object {
  return { organization_id: organizationId, key_id: keyId ?? null };
}

function frame(id: string, event: string, data: object): string {
  return `id: ${id}\nevent: ${event}\ndata: ${JSON.stringify(data)}\n\n`;
}
