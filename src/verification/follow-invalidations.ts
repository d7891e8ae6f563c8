import type { Response } from 'express';
import type { InvalidationHub, Place } from './invalidation-hub.ts';

type Deps = {
  hub: Pick<InvalidationHub, 'now' | 'reaches' | 'after' | 'onChange'>;
  /** Whether this process hears of every change itself. */
  isTrusted: () => boolean;
  heartbeatMs: number;
  maxLifeMs: number;
};
type Listener = {
  to: Response;
  /** Only changes of this organization are told; all when absent. */
  organizationId: string | undefined;
  /** The last place that the listener knows of. */
  from: Place | undefined;
};

/** A reader that takes nothing for so many heartbeats is cut. */
const STALLED_BEATS = 3;

/**
 * Tells a listener of changes until either side ends it. What the listener has not taken yet waits in the hub's ring,
 * not here: one that falls behind the ring, or stands still, is cut.
 * @returns how to end it
 */
export function followInvalidations(deps: Deps, { to, organizationId, from }: Listener): () => void {
  const { hub, isTrusted, heartbeatMs, maxLifeMs } = deps;
  let place = from && hub.reaches(from) ? { ...from } : undefined;
  let greeted = false;
  let stalledBeats = 0;

  const greet = (event: 'hello' | 'reset') => {
    greeted = true;
    to.write(frame(place!, event, { heartbeat_ms: heartbeatMs }));
  };
  const reset = () => {
    place = hub.now();
    greet('reset');
  };
  const tellNext = (): boolean => {
    const change = hub.after(place!.number);
    if (!change) return false;
    place!.number++;
    if (organizationId === undefined || organizationId === change.organizationId)
      to.write(frame(place!, 'invalidation', viewOf(change)));
    return true;
  };
  const pump = () => {
    if (!isTrusted()) return end();
    if (place?.epoch !== hub.now().epoch) reset();
    else if (!hub.reaches(place)) return cut();
    while (!to.writableNeedDrain && tellNext());
    if (!greeted && hub.after(place!.number) === undefined) greet('hello');
  };
  const beat = () => {
    stalledBeats = to.writableNeedDrain ? stalledBeats + 1 : 0;
    if (stalledBeats >= STALLED_BEATS) cut();
    else if (stalledBeats === 0) to.write(':\n\n');
  };
  const cut = () => void to.destroy();
  const end = () => void (to.writableNeedDrain ? to.destroy() : to.end());

  const heartbeat = setInterval(beat, heartbeatMs);
  const life = setTimeout(end, maxLifeMs);
  const stopListening = hub.onChange(pump);
  to.on('drain', pump);
  to.once('close', () => {
    clearInterval(heartbeat);
    clearTimeout(life);
    stopListening();
  });
  pump();
  return end;
}

function viewOf({ organizationId, keyId }: { organizationId: string; keyId?: string | undefined }): object {
  return { organization_id: organizationId, key_id: keyId ?? null };
}

function frame({ epoch, number }: Place, event: string, data: object): string {
  return `id: ${epoch}:${number}\nevent: ${event}\ndata: ${JSON.stringify(data)}\n\n`;
}
