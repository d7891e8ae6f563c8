import { codes, tablesPage } from './page.ts';
import type { Page } from './page.ts';
import { describedService } from './service.ts';

type Described = { name: string; help: string; type: string; labelNames: readonly string[] };

const INTRODUCTION = `\`GET /metrics\` answers in the format of Prometheus, without a credential: keep it inside your network, with
\`LATCHKEY_OPERATIONS_PORT\` where that helps. Labels are closed sets: no id, address or path of a client is one. A scrape costs no
query: what is counted in tables is read once a minute, by a process with the role \`worker\` or \`all\`, which alone reports it.

Beside these there are the metrics of the process and of Node that \`prom-client\` brings along (\`process_…\`, \`nodejs_…\`).`;

/** Returns the page of every metric, from the registry of a service that has all of them. */
export async function metricsPage(): Promise<Page> {
  const { metrics } = await describedService();
  // The types of prom-client leave out fields that every metric has.
  const described = metrics.getMetricsAsArray() as unknown as Described[];
  const entries = described
    .filter(({ name }) => name.startsWith('latchkey_'))
    .map(({ name, help, type, labelNames }) => ({ name, meaning: help, type, labels: labelNames }))
    .toSorted((a, b) => (a.name < b.name ? -1 : 1));
  return tablesPage(
    { file: 'metrics.md', title: 'Metrics', introduction: INTRODUCTION },
    {
      metric: ({ name }) => codes([name]),
      type: ({ type }) => type,
      labels: ({ labels }) => codes(labels),
      meaning: ({ meaning }) => meaning,
    },
    [{ entries }],
  );
}
