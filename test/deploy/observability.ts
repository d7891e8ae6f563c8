import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parse } from 'yaml';
import { DEPLOY } from './tools.ts';

export type Alert = { alert: string; expr: string; annotations: { runbook: string } };

/** Returns the alerts of deploy/prometheus. */
export function readAlerts(): Alert[] {
  const text = readFileSync(join(DEPLOY, 'prometheus', 'latchkey.rules.yaml'), 'utf8');
  return (parse(text) as { groups: { rules: Alert[] }[] }).groups.flatMap(({ rules }) => rules);
}

/** Returns the expression of every panel of the dashboard. */
export function readDashboard(): string[] {
  const text = readFileSync(join(DEPLOY, 'grafana', 'latchkey.json'), 'utf8');
  const { panels } = JSON.parse(text) as { panels: { targets: { expr: string }[] }[] };
  return panels.flatMap(({ targets }) => targets.map(({ expr }) => expr));
}

/** Returns the names of metrics in an expression. */
export function metricsIn(expr: string): string[] {
  return [...expr.matchAll(/\b(?:latchkey|nodejs|process)_\w+/g)].map(([name]) => name);
}
