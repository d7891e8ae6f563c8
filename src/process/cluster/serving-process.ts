import cluster from 'node:cluster';
import type { Registry } from 'prom-client';
import { makeQuestions } from './messages.ts';
import type { Message } from './messages.ts';

/** The variable in which a supervisor gives a process its place, from 0. What replaces a process has its place. */
export const PLACE = 'LATCHKEY_PROCESS_PLACE';

type Scraped = Extract<Message, { about: 'scraped' }>;

/**
 * Gives the metrics of this process its place as the label `process`, and hands them to the supervisor when it asks.
 * @returns what reads the metrics of all processes of the machine
 */
export function joinScrapes(registry: Registry, place: string): () => Promise<string> {
  registry.setDefaultLabels({ process: place });
  const scrapes = makeQuestions<Scraped>();
  process.on('message', (message: Message) => {
    if (message.about === 'scraped') scrapes.answer(message);
    if (message.about === 'collect') void collect(registry, message.id).then(send);
  });
  return async () => {
    const text = (await scrapes.ask((id) => send({ about: 'scrape', id })))?.text;
    if (text === undefined) throw new Error('the other processes did not hand over their metrics in time');
    return text;
  };
}

/** Whether a supervisor started this process. */
export const isSupervised = (): boolean => cluster.isWorker;

/** Lets the supervisor know that this process answers requests, and stops it when the supervisor says so. */
export function sayServing(): void {
  process.on('message', ({ about }: Message) => {
    if (about === 'stop') process.emit('SIGTERM', 'SIGTERM');
  });
  send({ about: 'serving' });
}

function send(message: Message): void {
  process.send?.(message);
}

async function collect(registry: Registry, id: number): Promise<Message> {
  // A reading that fails fails the scrape, not the process.
  const metrics = await registry.getMetricsAsJSON().catch(() => undefined);
  // The label tells the processes apart, so nothing is added up, and nothing left out.
  return { about: 'collected', id, metrics: metrics?.map((metric) => ({ ...metric, aggregator: 'sum' })) };
}
