import { readFileSync, readlinkSync } from 'node:fs';
import { join } from 'node:path';
import { Ajv } from 'ajv';
import { parse } from 'yaml';
import { describe, expect, test } from 'vitest';
import { chartVariables } from '../../../scripts/reference/chart-values.ts';
import { readConfig, VARIABLES } from '../../../src/app/read-config.ts';
import { VERSION } from '../../../src/config/version.ts';
import { blocksOf } from '../../documents/pages.ts';
import { CASES, CHART, mergedValues, readValues, valuesOf } from './chart.ts';
import type { Values } from './chart.ts';

const schema = JSON.parse(readFileSync(join(CHART, 'values.schema.json'), 'utf8')) as {
  definitions: { variables: { propertyNames: { enum: string[] } } };
};
const isValid = new Ajv({ allErrors: true }).compile(schema);

/** What the schema says of a values file, as helm hands it the values: over the chart's own. */
function faultsOf(text: string): string[] {
  if (isValid(mergedValues(parse(text) as Values))) return [];
  return isValid.errors!.map(({ instancePath, message }) => `${instancePath} ${message}`);
}

describe('values.schema.json of the chart', () => {
  test('accepts the defaults, and every file of ci', () => {
    expect(CASES).toEqual(['fixed', 'full', 'minimal']);
    expect(faultsOf('{}')).toEqual([]);
    for (const name of CASES) expect(faultsOf(readFileSync(valuesOf(name), 'utf8'))).toEqual([]);
  });

  test.each([
    ['a value that does not exist', 'replicas: 3', ' must NOT have additional properties'],
    [
      'the same further down',
      'api: { autoscaling: { max: 3 } }',
      '/api/autoscaling must NOT have additional properties',
    ],
    ['a list in place of a map', 'config: [TRUST_PROXY]', '/config must be object'],
    ['a number as text', 'worker: { replicas: "2" }', '/worker/replicas must be integer'],
    ['no replica', 'api: { replicas: 0 }', '/api/replicas must be >= 1'],
    ['no Secret', 'existingSecret: ""', '/existingSecret must match pattern'],
    ['a value that helm took away', 'existingSecret: null', ' must have required property'],
    ['a tag that is no tag', 'image: { tag: "v1 latest" }', '/image/tag must match pattern'],
    ['a shortened digest', 'image: { digest: "sha256:e3b0" }', '/image/digest must match pattern'],
    ['a policy that does not exist', 'image: { pullPolicy: Sometimes }', '/image/pullPolicy must be equal to one of'],
    ['a variable as a number', 'config: { TRUST_PROXY: 1 }', '/config/TRUST_PROXY must be string'],
    ['a misspelt variable', 'config: { TRUST_PROXIES: "1" }', '/config property name must be valid'],
    ['a secret among the values', 'config: { LATCHKEY_SECRET: "…" }', '/config property name must be valid'],
    ['a variable that the chart sets', 'api: { config: { LATCHKEY_ROLE: all } }', '/api/config property name must be'],
    [
      'an amount that is none',
      'api: { resources: { limits: { memory: lots } } }',
      '/api/resources/limits/memory must match',
    ],
    ['an Ingress without a host', 'ingress: { enabled: true }', '/ingress/hosts must NOT have fewer than 1 items'],
    ['an address as a host', 'ingress: { hosts: ["https://x"] }', '/ingress/hosts/0 must match pattern'],
    [
      'a port out of range',
      'networkPolicy: { postgres: { ports: [70000] } }',
      '/networkPolicy/postgres/ports/0 must be <= 65535',
    ],
    ['a misspelt peer', 'networkPolicy: { callers: [{ podSelectors: {} }] }', '/networkPolicy/callers/0 must NOT have'],
    ['a delay beyond the longest', 'shutdown: { delaySeconds: 121 }', '/shutdown/delaySeconds must be <= 120'],
  ])('refuses %s', (_what, text, message) => {
    expect(faultsOf(text)).toContainEqual(expect.stringContaining(message));
  });

  test('has the variables of the service that are no secrets; `npm run docs:reference` writes them', () => {
    const { propertyNames } = schema.definitions.variables;
    expect(propertyNames.enum).toEqual(chartVariables());
    expect(VARIABLES.filter((name) => !propertyNames.enum.includes(name)).toSorted()).toEqual(
      expect.arrayContaining(['BILLING_WEBHOOK_SECRETS', 'DATABASE_URL', 'LATCHKEY_SECRET', 'LATCHKEY_SERVICE_TOKENS']),
    );
  });

  test.each([
    'WORKOS_API_KEY_TEST',
    'WORKOS_COOKIE_PASSWORD',
    'STRIPE_WEBHOOK_SECRET',
    'REDIS_URL',
    'DATABASE_LISTEN_URL',
    'DATABASE_READ_URL',
    'LATCHKEY_ROLE',
  ])('has no %s, which is secret or set by the chart', (name) => {
    expect(VARIABLES).toContain(name);
    expect(chartVariables()).not.toContain(name);
  });
});

test('the chart has the version of the package', () => {
  const { version, appVersion } = readValues(join(CHART, 'Chart.yaml'));
  expect({ version, appVersion }).toEqual({ version: VERSION, appVersion: VERSION });
});

test('the chart has the alerts of deploy/prometheus, not a copy', () => {
  expect(readlinkSync(join(CHART, 'files', 'latchkey.rules.yaml'))).toBe('../../../prometheus/latchkey.rules.yaml');
});

describe('docs/how-to/install-on-kubernetes.md', () => {
  const blocks = blocksOf('docs/how-to/install-on-kubernetes.md').map(({ text }) => text);
  const commands = blocks.flatMap((text) => text.split('\n')).filter((line) => /^(?:helm|kubectl) /.test(line));

  test('makes the Secrets that the chart reads, with variables that the service has', () => {
    const { existingSecret, migrations } = readValues() as { existingSecret: string; migrations: Values };
    const made = commands.flatMap((line) => /^kubectl create secret generic (\S+)/.exec(line)?.[1] ?? []);
    expect(made).toEqual([existingSecret, migrations['existingSecret']]);
    const env = Object.fromEntries(
      blocks[0]!
        .trim()
        .split('\n')
        .map((line) => line.split(/=(.*)/s, 2)),
    );
    expect(Object.keys(env).filter((name) => !VARIABLES.includes(name))).toEqual([]);
    const long = 'long enough to be a secret of tests';
    const filled = { LATCHKEY_SECRET: long, WORKOS_COOKIE_PASSWORD: long, LATCHKEY_SERVICE_TOKENS: 'svc_of_tests' };
    expect(() => readConfig({ ...env, ...filled })).not.toThrow();
  });

  test('sets values that the chart has', () => {
    const install = commands.find((line) => line.startsWith('helm '));
    const paths = Array.from(install!.matchAll(/--set(?:-file)? ([\w.]+)=/g), ([, path]) => path!.split('.'));
    expect(paths).toHaveLength(2);
    for (const [outer, inner] of paths) expect(readValues()[outer!]).toHaveProperty(inner!);
    expect(faultsOf(blocks.at(-1)!)).toEqual([]);
  });
});
