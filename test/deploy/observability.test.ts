import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { describedService } from '../../scripts/reference/service.ts';
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
