import type { Response } from 'express';
import type { InvalidationHub, Place } from './invalidation-hub.ts';
import type { StreamIds } from './stream-ids.ts';

type Deps = {
  hub: Pick<InvalidationHub, 'now' | 'reaches' | 'after' | 'onChange'>;
  /** Whether this process hears of every change itself. */
  isTrusted: () => boolean;
  ids: Pick<StreamIds, 'write'>;
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
export function followInvalidations(deps: Deps, listener: Listener): () => void {
  const { hub, isTrusted, heartbeatMs, maxLifeMs } = deps;
  const { to } = listener;
  const tellWhatIsNew = makeTeller(deps, listener);
  let stalledBeats = 0;

  const pump = () => {
    if (!isTrusted()) end();
    else if (!tellWhatIsNew()) cut();
  };
  const beat = () => {
    stalledBeats = to.writableNeedDrain ? stalledBeats + 1 : 0;
    if (stalledBeats >= STALLED_BEATS) cut();
    else if (stalledBeats === 0) to.write(':\n\n');
  };
  // At once, not when the connection is closed: what is told in between must not be written any more.
  const stop = () => {
    clearInterval(heartbeat);
    clearTimeout(life);
    stopListening();
    to.off('drain', pump);
  };
  const cut = () => {
    stop();
    to.destroy();
  };
  const end = () => {
    if (to.writableNeedDrain) return cut();
    stop();
    to.end();
  };

  const heartbeat = setInterval(beat, heartbeatMs);
  const life = setTimeout(end, maxLifeMs);
  const stopListening = hub.onChange(pump);
  to.on('drain', pump).on('error', cut).once('close', stop);
  pump();
  return end;
}

/** @returns what writes all that is new and can be written; false when some of it is no longer known */
function makeTeller({ hub, ids, heartbeatMs }: Deps, { to, organizationId, from }: Listener): () => boolean {
  let place = from && hub.reaches(from) ? { ...from } : undefined;
  let greeted = false;

  const greet = (at: Place, event: 'hello' | 'reset') => {
    greeted = true;
    to.write(frame(ids.write(at), event, { heartbeat_ms: heartbeatMs }));
  };
  return () => {
    if (place?.epoch !== hub.now().epoch) greet((place = hub.now()), 'reset');
    if (!hub.reaches(place)) return false;
    let change = hub.after(place.number);
    for (; change && !to.writableNeedDrain; change = hub.after(place.number)) {
      place.number++;
      if (organizationId === undefined || organizationId === change.organizationId)
        to.write(frame(ids.write(place), 'invalidation', viewOf(change)));
    }
    if (!greeted && !change) greet(place, 'hello');
    return true;
  };
}

function viewOf({ organizationId, keyId }: { organizationId: string; keyId?: string | undefined }): object {
  return { organization_id: organizationId, key_id: keyId ?? null };
}

function frame(id: string, event: string, data: object): string {
  return `id: ${id}\nevent: ${event}\ndata: ${JSON.stringify(data)}\n\n`;
}
