import cluster from 'node:cluster';
import type { Worker } from 'node:cluster';
import { AggregatorRegistry } from 'prom-client';
import { makeQuestions } from './messages.ts';
import type { Message } from './messages.ts';

type Collected = Extract<Message, { about: 'collected' }>;
type Metrics = Collected['metrics'];

/** Answers a scrape that arrived at one process with the metrics of all that serve, or not at all. */
export function answerScrapes(serving: () => readonly Worker[]): void {
  const collections = makeQuestions<Collected>();
  const collect = async (worker: Worker): Promise<Metrics> =>
    (await collections.ask((id) => send(worker, { about: 'collect', id })))?.metrics;
  const textOfAll = makeTextOfAll(() => Promise.all(serving().map(collect)));

  cluster.on('message', (worker, message: Message) => {
    if (message.about === 'collected') collections.answer(message);
    if (message.about === 'scrape')
      void textOfAll().then((text) => send(worker, { about: 'scraped', id: message.id, text }));
  });
}

/**
 * Joins the metrics of all processes. Scrapes at the same time share a collection.
 * @returns undefined without those of one of them, whose counters would seem to have been reset
 */
export function makeTextOfAll(collectAll: () => Promise<readonly Metrics[]>): () => Promise<string | undefined> {
  let running: Promise<string | undefined> | undefined;

  async function join(): Promise<string | undefined> {
    const collected = await collectAll();
    const complete = collected.filter((metrics) => metrics !== undefined);
    return complete.length < collected.length ? undefined : AggregatorRegistry.aggregate(complete).metrics();
  }

  return () => {
    // A failure here may not end the supervisor, and with it every process.
    running ??= join()
      .catch(() => undefined)
      .finally(() => (running = undefined));
    return running;
  };
}

function send(worker: Worker, message: Message): void {
  if (worker.isConnected()) worker.send(message);
}
