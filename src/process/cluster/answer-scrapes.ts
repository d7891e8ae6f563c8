import cluster from 'node:cluster';
import type { Worker } from 'node:cluster';
import { AggregatorRegistry } from 'prom-client';
import { makeQuestions } from './messages.ts';
import type { Message } from './messages.ts';

type Collected = Extract<Message, { about: 'collected' }>;

/** Answers a scrape that arrived at one process with the metrics of all that serve, or not at all. */
export function answerScrapes(serving: () => readonly Worker[]): void {
  const collections = makeQuestions<Collected>();

  async function textOfAll(): Promise<string | undefined> {
    const answers = await Promise.all(
      serving().map((worker) => collections.ask((id) => send(worker, { about: 'collect', id }))),
    );
    // Without one of them its counters would seem to have been reset.
    if (answers.includes(undefined)) return undefined;
    return AggregatorRegistry.aggregate(answers.map((answer) => answer!.metrics)).metrics();
  }

  cluster.on('message', (worker, message: Message) => {
    if (message.about === 'collected') collections.answer(message);
    if (message.about === 'scrape')
      void textOfAll().then((text) => send(worker, { about: 'scraped', id: message.id, text }));
  });
}

function send(worker: Worker, message: Message): void {
  if (worker.isConnected()) worker.send(message);
}
