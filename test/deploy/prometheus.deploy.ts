import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { stringify } from 'yaml';
import { DEPLOY, fileFolder, runTool, tryTool } from './tools.ts';
import { readDashboard } from './observability.ts';

const PROMETHEUS = join(DEPLOY, 'prometheus');
const folder = fileFolder();

/** The expression as Prometheus gets it from Grafana. */
const sent = (expr: string) => expr.replaceAll('$__rate_interval', '5m');

function checkExpressions(expressions: readonly string[]) {
  const file = join(folder, 'expressions.yaml');
  const rules = expressions.map((expr, index) => ({ record: `panel:${index}`, expr: sent(expr) }));
  writeFileSync(file, stringify({ groups: [{ name: 'panels', rules }] }));
  return tryTool('promtool', ['check', 'rules', file]);
}

describe('the rules of alerts', () => {
  test('are accepted by promtool', () => {
    expect(runTool('promtool', ['check', 'rules', join(PROMETHEUS, 'latchkey.rules.yaml')])).toContain(
      'SUCCESS: 21 rules',
    );
  });

  test('fire and are quiet as their tests say', () => {
    const tested = runTool('promtool', ['test', 'rules', 'latchkey.rules.test.yaml'], { cwd: PROMETHEUS });
    expect(tested).toContain('SUCCESS');
  });

  test('fail their tests with a threshold that is too high', () => {
    const rules = readFileSync(join(PROMETHEUS, 'latchkey.rules.yaml'), 'utf8');
    writeFileSync(join(folder, 'latchkey.rules.yaml'), rules.replace('latchkey_beat_age_seconds) > 3', '$&00'));
    writeFileSync(join(folder, 'tests.yaml'), readFileSync(join(PROMETHEUS, 'latchkey.rules.test.yaml')));
    const { status, stdout, stderr } = tryTool('promtool', ['test', 'rules', 'tests.yaml'], { cwd: folder });
    expect(status).toBe(1);
    expect(`${stdout}${stderr}`).toContain('LatchkeyBeatOld');
  });
});

describe('the dashboard', () => {
  test('has expressions that promtool accepts', () => {
    const expressions = readDashboard();
    const { status, stderr } = checkExpressions(expressions);
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
  });

  test('with a wrong expression would be refused', () => {
    expect(checkExpressions(['sum(rate(latchkey_verifications_total))']).status).toBe(1);
  });
});
