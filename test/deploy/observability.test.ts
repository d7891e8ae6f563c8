import { globSync, readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { describedService } from '../../scripts/reference/service.ts';
import { VARIABLES } from '../../src/app/read-config.ts';
import { VERSION } from '../../src/config/version.ts';
import { startService } from '../support/service.ts';
import { metricsIn, readAlerts, readDashboard } from './observability.ts';
import { DEPLOY, ROOT } from './tools.ts';

const SECTIONS = ['## What it means', '## What to look at', '## What to do', '## How to see that it helped'];
const alerts = readAlerts();
const { metrics } = await describedService();
const names = metrics.getMetricsAsArray().map(({ name }) => name);

/** What a scrape has of a metric, whose histogram has three. */
const isScraped = (name: string) => names.includes(name.replace(/_(?:bucket|count|sum)$/, '')) || names.includes(name);

/** The role of the database begins like a metric. */
const isKnown = (name: string) => isScraped(name) || name === 'latchkey_app';

describe('alerts and the dashboard', () => {
  test('use metrics that the service has', () => {
    const used = [...alerts.map(({ expr }) => expr), ...readDashboard()].flatMap(metricsIn);
    expect(used.length).toBeGreaterThan(60);
    expect([...new Set(used)].filter((name) => !isScraped(name))).toEqual([]);
  });

  test('show every metric of the service but those of which single events are counted', () => {
    const used = new Set([...alerts.map(({ expr }) => expr), ...readDashboard()].flatMap(metricsIn));
    const shown = new Set([...used].map((name) => name.replace(/_(?:bucket|count|sum)$/, '')));
    const left = names.filter((name) => name.startsWith('latchkey_') && !shown.has(name));
    expect(left.toSorted()).toEqual([
      'latchkey_ci_exchanges_total',
      'latchkey_decommissioned_keys_total',
      'latchkey_leak_reports_total',
      'latchkey_leaked_tokens_total',
      'latchkey_limits_changes_total',
      'latchkey_workos_events_total',
    ]);
  });
});

describe('alerts', () => {
  test('have a runbook each, and no runbook has none', () => {
    expect(alerts.length).toBeGreaterThan(15);
    const runbooks = globSync('docs/runbooks/*.md', { cwd: ROOT });
    expect(alerts.map(({ annotations }) => annotations.runbook).toSorted()).toEqual(runbooks.toSorted());
  });

  test.each(alerts)('$alert has a runbook with all four parts, and a test', ({ alert, annotations }) => {
    const page = readFileSync(join(ROOT, annotations.runbook), 'utf8');
    expect(page).toContain(`\`${alert}\``);
    expect(Array.from(page.matchAll(/^## .*$/gm), ([heading]) => heading)).toEqual(SECTIONS);
    const tests = readFileSync(join(DEPLOY, 'prometheus', 'latchkey.rules.test.yaml'), 'utf8');
    expect(tests).toMatch(new RegExp(`alertname: ${alert}\\n[^]*?exp_labels`));
    expect(tests).toMatch(new RegExp(`alertname: ${alert}, .*exp_alerts: \\[\\]`));
  });
});

describe('runbooks', () => {
  const procedures = globSync('docs/runbooks/procedures/*.md', { cwd: ROOT });

  test('are there for failover, rollback, a new secret and the loss of a region', () => {
    const names = procedures.map((path) => basename(path, '.md')).toSorted();
    expect(names).toEqual(expect.arrayContaining(['failover', 'new-secret', 'region-loss', 'rollback']));
  });

  test.each(procedures)('%s has all four parts', (path) => {
    const page = readFileSync(join(ROOT, path), 'utf8');
    expect(Array.from(page.matchAll(/^## .*$/gm), ([heading]) => heading)).toEqual(SECTIONS);
  });

  test('name only commands, metrics and variables that there are', () => {
    const text = globSync('docs/runbooks/**/*.md', { cwd: ROOT })
      .map((path) => readFileSync(join(ROOT, path), 'utf8'))
      .join('\n');
    const { scripts } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as { scripts: object };
    const commands = Array.from(text.matchAll(/\bnpm run ([\w:-]+)/g), ([, name = '']) => name);
    expect(commands.length).toBeGreaterThan(10);
    expect(commands.filter((name) => !(name in scripts))).toEqual([]);
    expect(metricsIn(text).filter((name) => name.startsWith('latchkey_') && !isKnown(name))).toEqual([]);
    const variables = Array.from(
      text.matchAll(/\b(?:LATCHKEY|WORKOS|DATABASE|STRIPE|BILLING|REDIS)_[A-Z_]+\b/g),
      String,
    );
    expect(variables.length).toBeGreaterThan(10);
    expect(variables.filter((name) => !VARIABLES.includes(name))).toEqual([]);
  });
});

describe('GET /metrics', () => {
  test('has the build, and whether the channel is open', async () => {
    const service = await startService();
    const scrape = async () => (await fetch(`${service.url}/metrics`)).text();
    const node = process.versions.node;
    expect(await scrape()).toContain(`latchkey_build_info{version="${VERSION}",node="${node}",role="all"} 1`);
    await expect.poll(scrape, { timeout: 20_000 }).toContain('latchkey_channel_open 1');
    service.trust.onLost();
    expect(await scrape()).toContain('latchkey_channel_open 0');
  });
});
