import type { Response } from 'express';
import type { InvalidationHub, Position } from './invalidation-hub.ts';
import type { Frames } from './frames.ts';

type Deps = {
  hub: Pick<InvalidationHub, 'now' | 'reaches' | 'after' | 'onChange'>;
  /** Whether this replica receives every change. */
  isTrusted: () => boolean;
  frames: Frames;
  heartbeatMs: number;
  maxLifeMs: number;
};
type Listener = {
  to: Response;
  /** Sends changes of this organization only; of all when absent. */
  organizationId: string | undefined;
  /** The last position that the listener has seen. */
  from: Position | undefined;
};

/** Disconnects a listener that reads nothing for this many heartbeats. */
const STALLED_BEATS = 3;
/** What a socket takes before it asks for a pause. */
const WRITE_CHARS = 16_384;

/**
 * Sends changes to a listener until either side ends the stream. Unsent changes wait in the hub's ring, not here. A
 * listener that falls behind the ring or stops reading is disconnected.
 * @returns a function that ends the stream
 */
export function followInvalidations(deps: Deps, listener: Listener): () => void {
  const { hub, isTrusted, heartbeatMs, maxLifeMs } = deps;
  const { to } = listener;
  const sendNew = makeSender(deps, listener);
  let stalledBeats = 0;

  const pump = () => {
    if (!isTrusted()) end();
    else if (!sendNew()) cut();
  };
  const beat = () => {
    stalledBeats = to.writableNeedDrain ? stalledBeats + 1 : 0;
    if (stalledBeats >= STALLED_BEATS) cut();
    else if (stalledBeats === 0) to.write(':\n\n');
  };
  // At once, not when the connection closes: nothing may be written in between.
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

/** @returns a function that writes all new changes that fit; it returns false when the ring has lost some of them */
function makeSender({ hub, frames, heartbeatMs }: Deps, { to, organizationId, from }: Listener): () => boolean {
  let position = from && hub.reaches(from) ? { ...from } : undefined;
  let greeted = false;

  const greet = (at: Position, event: 'hello' | 'reset') => {
    greeted = true;
    to.write(frames.ofGreeting(at, event, heartbeatMs));
  };
  /** Moves on by as many changes as one write takes. */
  const take = (at: Position): string => {
    let text = '';
    for (let change = hub.after(at.number); change && text.length < WRITE_CHARS; change = hub.after(at.number)) {
      at.number++;
      if (organizationId === undefined || organizationId === change.organizationId) text += frames.ofChange(at, change);
    }
    return text;
  };
  return () => {
    if (position?.epoch !== hub.now().epoch) greet((position = hub.now()), 'reset');
    if (!hub.reaches(position)) return false;
    while (hub.after(position.number) && !to.writableNeedDrain) {
      const text = take(position);
      if (text !== '') to.write(text);
    }
    if (!greeted && !hub.after(position.number)) greet(position, 'hello');
    return true;
  };
}
