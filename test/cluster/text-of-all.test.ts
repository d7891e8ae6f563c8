import { Counter, Registry } from 'prom-client';
import { expect, test } from 'vitest';
import { makeTextOfAll } from '../../src/process/cluster/answer-scrapes.ts';

/** The metrics of a process that has served so many requests. */
async function metricsOf(process: string, served: number): Promise<object[]> {
  const registry = new Registry();
  registry.setDefaultLabels({ process });
  new Counter({ name: 'served_total', help: 'Requests.', registers: [registry] }).inc(served);
  return (await registry.getMetricsAsJSON()).map((metric) => ({ ...metric, aggregator: 'sum' }));
}

const both = async () => [await metricsOf('0', 3), await metricsOf('1', 4)];

test('shows the counters of each process under one heading', async () => {
  expect((await makeTextOfAll(both)())?.split('\n').filter(Boolean)).toEqual([
    '# HELP served_total Requests.',
    '# TYPE served_total counter',
    'served_total{process="0"} 3',
    'served_total{process="1"} 4',
  ]);
});

test('shows nothing without one of them', async () => {
  expect(await makeTextOfAll(async () => [await metricsOf('0', 3), undefined])()).toBeUndefined();
});

test('shows nothing when a collection or its join fails, and all of it the next time', async () => {
  const failures = [
    () => Promise.reject(new Error('lost')),
    () => Promise.resolve([[{ name: 'x', aggregator: 'none' }]]),
  ];
  const textOfAll = makeTextOfAll(() => (failures.shift() ?? both)());
  expect([await textOfAll(), await textOfAll()]).toEqual([undefined, undefined]);
  expect(await textOfAll()).toContain('served_total{process="1"} 4');
});

test('collects once for scrapes at the same time', async () => {
  let collections = 0;
  const textOfAll = makeTextOfAll(() => {
    collections++;
    return both();
  });
  await Promise.all(Array.from({ length: 50 }, textOfAll));
  expect(collections).toBe(1);
});
