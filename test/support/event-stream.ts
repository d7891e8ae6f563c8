import { request } from 'node:http';
import type { IncomingMessage } from 'node:http';
import { onTestFinished } from 'vitest';
import { createFramesReader } from '../../src/client/guard/read-frames.ts';
import type { Frame } from '../../src/client/guard/read-frames.ts';

export type Listening = {
  status: number;
  headers: IncomingMessage['headers'];
  /** The events so far. */
  frames: Frame[];
  /** The raw text so far, with comments. */
  text: () => string;
  ended: Promise<void>;
  close(): void;
};

/** Follows the invalidations of a service until the test ends. */
export async function listenToInvalidations(
  { url }: { url: string },
  token: string,
  lastEventId?: string,
): Promise<Listening> {
  const headers = {
    authorization: `Bearer ${token}`,
    ...(lastEventId !== undefined && { 'last-event-id': lastEventId }),
  };
  const outgoing = request(`${url}/v1/invalidations`, { headers, agent: false });
  outgoing.on('error', () => undefined);
  onTestFinished(() => void outgoing.destroy());
  const answer = await new Promise<IncomingMessage>((resolve, reject) => {
    outgoing.once('error', reject);
    outgoing.once('response', resolve);
    outgoing.end();
  });
  const frames: Frame[] = [];
  const read = createFramesReader((frame) => frames.push(frame));
  let text = '';
  answer.setEncoding('utf8').on('data', (chunk: string) => {
    text += chunk;
    read(chunk);
  });
  answer.on('error', () => undefined);
  const ended = new Promise<void>((resolve) => answer.once('close', () => resolve()));
  return {
    status: answer.statusCode ?? 0,
    headers: answer.headers,
    frames,
    text: () => text,
    ended,
    close: () => void outgoing.destroy(),
  };
}
