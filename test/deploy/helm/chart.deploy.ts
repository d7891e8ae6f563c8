import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import { readConfig } from '../../../src/app/read-config.ts';
import { DEPLOY, fileFolder, runTool } from '../tools.ts';
import { CASES, CHART, environmentOf, podOf, snapshotOf, valuesOf } from './chart.ts';
import type { Manifest } from './chart.ts';
import { buildRenderer, hasHelm, renderByHelm, writeValues } from './render.ts';
import { faultsOf, unknownFieldsOf } from './types.ts';

const folder = fileFolder();
const { render, refuse } = buildRenderer(folder);
const rendered = Object.fromEntries(CASES.map((name) => [name, render([valuesOf(name)])]));
const manifestsOf = (name: string) => rendered[name]!.manifests;
const find = (name: string, kind: string, suffix = '') =>
  manifestsOf(name).find((manifest) => manifest.kind === kind && manifest.metadata.name.endsWith(suffix))!;

/** What the pods of a release with a product file have. */
function annotationsWith(file: string): object {
  const { manifests } = render([writeValues(folder, { product: { file } })]);
  const { spec } = manifests.find(({ kind }) => kind === 'Deployment')!;
  return (spec['template'] as { metadata: { annotations: object } }).metadata.annotations;
}

/** What an operator's Secret has to hold. */
const SECRET = {
  DATABASE_URL: 'postgres://latchkey_service@db.internal/latchkey',
  LATCHKEY_SECRET: 'a secret of tests, long enough to be one',
  WORKOS_API_KEY: 'sk_test',
  WORKOS_CLIENT_ID: 'client_test',
  WORKOS_COOKIE_PASSWORD: 'a password of tests, long enough to be one',
};

describe.each(CASES)('%s-values.yaml', (name) => {
  const manifests = manifestsOf(name);

  test('renders the manifests of its snapshot (`npx vitest run --project deploy test/deploy/helm -u` writes it)', async () => {
    await expect(snapshotOf(manifests)).toMatchFileSnapshot(join(CHART, 'ci', 'snapshots', `${name}.yaml`));
  });

  test.runIf(hasHelm)('renders the same with helm', () => {
    expect(snapshotOf(renderByHelm([valuesOf(name)]))).toBe(snapshotOf(manifests));
  });

  test('renders fields that Kubernetes has, with values of their types', async () => {
    expect(await faultsOf(manifests)).toEqual([]);
    expect(unknownFieldsOf(manifests, folder)).toBe('');
  });

  test('gives every resource a name of its own, and the labels of the release', () => {
    const names = manifests.map(({ kind, metadata }) => `${kind}/${metadata.name}`);
    expect(new Set(names).size).toBe(names.length);
    for (const { metadata } of manifests)
      expect(metadata.labels).toMatchObject({
        'app.kubernetes.io/name': 'latchkey',
        'app.kubernetes.io/instance': 'latchkey',
      });
  });

  const pods = manifests.filter(({ kind }) => ['Deployment', 'Job'].includes(kind));
  test.each(pods)('runs $metadata.name without rights, token, service links or a writable root', (manifest) => {
    const pod = podOf(manifest);
    expect(pod).toMatchObject({
      automountServiceAccountToken: false,
      enableServiceLinks: false,
      securityContext: { runAsNonRoot: true, runAsUser: 65532, seccompProfile: { type: 'RuntimeDefault' } },
    });
    expect(pod.containers).toHaveLength(1);
    expect(pod.containers[0].securityContext).toEqual({
      allowPrivilegeEscalation: false,
      readOnlyRootFilesystem: true,
      capabilities: { drop: ['ALL'] },
    });
    expect(readFileSync(join(DEPLOY, 'Containerfile'), 'utf8')).toContain('USER 65532:65532');
    const mounted = (pod.containers[0].volumeMounts ?? []).map((mount) => mount.name);
    expect(mounted.toSorted()).toEqual((pod.volumes ?? []).map((volume) => volume.name).toSorted());
  });

  test.each(['api', 'worker'] as const)('gives the role %s variables that the service accepts', (role) => {
    const pod = podOf(find(name, 'Deployment', `-${role}`));
    const [container] = pod.containers;
    const env = environmentOf(container);
    const config = readConfig({ ...SECRET, ...env });
    const grace = (config.shutdownDelayMs + config.shutdownGraceMs) / 1_000;
    expect(config.role).toBe(role);
    expect(pod.terminationGracePeriodSeconds).toBeGreaterThanOrEqual(grace + 10);
    expect(Object.fromEntries(container.ports!.map((port) => [port.name, port.containerPort]))).toEqual({
      http: config.port,
      operations: config.operations?.port,
    });
    const [product] = pod.volumes!;
    const mount = container.volumeMounts!.find((mount) => mount.name === product!.name)!;
    expect(config.productFile).toBe(`${mount.mountPath}/${product!.configMap!.items[0]!.path}`);
  });

  test('selects pods of the release, and names resources that it has', () => {
    const labels = (role: string) =>
      (find(name, 'Deployment', `-${role}`).spec['template'] as { metadata: { labels: object } }).metadata.labels;
    const service = find(name, 'Service');
    expect(labels('api')).toMatchObject(service.spec['selector'] as object);
    expect(labels('worker')).not.toMatchObject(service.spec['selector'] as object);
    for (const role of ['api', 'worker']) {
      const { matchLabels } = find(name, 'PodDisruptionBudget', `-${role}`).spec['selector'] as { matchLabels: object };
      expect(labels(role)).toMatchObject(matchLabels);
      expect(labels(role)).toMatchObject(find(name, 'Service', '-operations').spec['selector'] as object);
      expect(podOf(find(name, 'Deployment', `-${role}`)).serviceAccountName).toBe(
        find(name, 'ServiceAccount').metadata.name,
      );
    }
  });
});

describe('the templates', () => {
  test.each([
    ['without a product file', {}, 'product.file is missing'],
    ['with two', { product: { file: 'product: X', existingConfigMap: 'x' } }, 'not both'],
    [
      'with less time to stop than a replica takes',
      { product: { existingConfigMap: 'x' }, shutdown: { delaySeconds: 60 } },
      'terminationGracePeriodSeconds must be at least 10 more',
    ],
    [
      'with fewer replicas at most than at least',
      { product: { existingConfigMap: 'x' }, api: { autoscaling: { minReplicas: 9 } } },
      'maxReplicas must be at least minReplicas',
    ],
  ])('refuse values %s', (_what, values, message) => {
    expect(refuse([writeValues(folder, values)])).toContain(message);
  });

  test('take the product file as it is', () => {
    const { product } = parse(readFileSync(valuesOf('full'), 'utf8')) as { product: { file: string } };
    const map = find('full', 'ConfigMap') as Manifest & { data: Record<string, string> };
    expect(map.data).toEqual({ 'product.yaml': product.file });
    expect(podOf(find('full', 'Deployment', '-api')).volumes![0]).toMatchObject({
      configMap: { name: map.metadata.name },
    });
  });

  test('replace the pods when the product file changes', () => {
    expect(annotationsWith('product: A')).not.toEqual(annotationsWith('product: B'));
  });

  test('have the alerts of deploy/prometheus, and the scrape the job that they name', () => {
    const rules = readFileSync(join(DEPLOY, 'prometheus', 'latchkey.rules.yaml'), 'utf8');
    expect(find('full', 'PrometheusRule').spec).toEqual(parse(rules));
    const { jobLabel, selector } = find('full', 'ServiceMonitor').spec as {
      jobLabel: string;
      selector: { matchLabels: object };
    };
    const { labels } = find('full', 'Service', '-operations').metadata;
    expect(rules).toContain(`job="${labels[jobLabel]}"`);
    expect(labels).toMatchObject(selector.matchLabels);
    expect(find('full', 'Service', 'keys').metadata.labels).not.toMatchObject(selector.matchLabels);
  });

  test('say in NOTES.txt how many connections PostgreSQL needs', () => {
    // (20 + 1) × (6 + 1) and (3 + 1) × (10 + 1)
    expect(rendered['full']!.notes).toContain('up to 191 connections');
    expect(rendered['fixed']!.notes).toContain('Migrations are off');
  });

  test('with a wrong type, a missing or a misspelt field would be refused', async () => {
    const [one, ...others] = manifestsOf('minimal').filter(({ kind }) => kind === 'Deployment');
    const withSpec = (spec: object) => [{ ...one!, spec: { ...one!.spec, ...spec } }, ...others];
    expect(await faultsOf(withSpec({ replicas: '3' }))).toEqual([expect.stringContaining('replicas must be integer')]);
    expect(await faultsOf(withSpec({ selector: undefined }))).toHaveLength(1);
    expect(unknownFieldsOf(withSpec({ strategi: {} }), folder)).toContain('strategi');
  });
});

test('render.go is formatted', () => {
  expect(runTool('gofmt', ['-l', import.meta.dirname])).toBe('');
});
