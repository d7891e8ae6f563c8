import { globSync, readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { parse, parseAllDocuments, stringify } from 'yaml';
import { DEPLOY } from '../tools.ts';

export const CHART = join(DEPLOY, 'helm', 'latchkey');
export const RELEASE = { name: 'latchkey', namespace: 'keys' };
/** The values files of ci/ by the names of their snapshots. */
export const CASES = globSync('ci/*-values.yaml', { cwd: CHART })
  .map((path) => basename(path, '-values.yaml'))
  .toSorted();

export type Values = { [name: string]: unknown };
export type Variable = { name: string; value?: string; valueFrom?: { secretKeyRef: { name: string; key: string } } };
export type Probe = { httpGet: { path: string; port: string }; periodSeconds: number; failureThreshold: number };
export type Container = {
  image: string;
  args: string[];
  env: Variable[];
  envFrom?: { secretRef: { name: string } }[];
  ports?: { name: string; containerPort: number }[];
  securityContext: object;
  volumeMounts?: { name: string; mountPath: string }[];
} & Partial<Record<'startupProbe' | 'livenessProbe' | 'readinessProbe', Probe>>;
export type Pod = {
  containers: [Container];
  automountServiceAccountToken: boolean;
  securityContext: object;
  serviceAccountName?: string;
  terminationGracePeriodSeconds?: number;
  volumes?: { name: string; configMap?: { name: string; items: { key: string; path: string }[] } }[];
};
type Metadata = { name: string; labels: Record<string, string>; annotations?: Record<string, string> };
export type Manifest = { apiVersion: string; kind: string; metadata: Metadata; spec: Record<string, unknown> };

export function valuesOf(name: string): string {
  return join(CHART, 'ci', `${name}-values.yaml`);
}

export function readValues(path = join(CHART, 'values.yaml')): Values {
  return (parse(readFileSync(path, 'utf8')) ?? {}) as Values;
}

const isMap = (value: unknown): value is Values => typeof value === 'object' && value !== null && !Array.isArray(value);

/** Returns the values as the chart's templates see them: helm merges maps, takes away what is null, replaces the rest. */
export function mergedValues(over: Values, base = readValues()): Values {
  const merged = { ...base };
  for (const [name, value] of Object.entries(over)) {
    const below = base[name];
    if (value === null) delete merged[name];
    else merged[name] = isMap(value) && isMap(below) ? mergedValues(value, below) : value;
  }
  return merged;
}

/** Reads the documents of rendered templates. @throws on text that is no YAML */
export function manifestsIn(texts: readonly string[]): Manifest[] {
  const documents = texts.flatMap((text) => [...parseAllDocuments(text)]);
  const [broken] = documents.flatMap(({ errors }) => errors);
  if (broken) throw broken;
  const manifests = documents.map((document) => document.toJS() as Manifest | null);
  return manifests.filter((manifest) => manifest !== null);
}

/** Writes manifests in one order, whoever rendered them. */
export function snapshotOf(manifests: readonly Manifest[]): string {
  const nameOf = ({ kind, metadata }: Manifest) => `${kind}/${metadata.name}`;
  const sorted = manifests.toSorted((a, b) => nameOf(a).localeCompare(nameOf(b)));
  return sorted.map((manifest) => stringify(manifest, { sortMapEntries: true, lineWidth: 0 })).join('---\n');
}

export function podOf({ spec }: Manifest): Pod {
  return (spec['template'] as { spec: Pod }).spec;
}

/** Returns those variables of a container that have their value in the manifest. */
export function environmentOf({ env }: Container): Record<string, string> {
  return Object.fromEntries(env.flatMap(({ name, value }) => (value === undefined ? [] : [[name, value]])));
}
