import { mkdtempSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { ROOT, tryTool } from '../tools.ts';
import type { Manifest } from './chart.ts';

type Model = new (manifest: object) => { validate: () => void };

const OPERATOR = '@kubernetes-models/prometheus-operator/monitoring.coreos.com/v1';
const packageOf = (apiVersion: string) =>
  apiVersion === 'monitoring.coreos.com/v1' ? OPERATOR : `kubernetes-models/${apiVersion}`;

/** What Kubernetes would refuse of values and types, and of fields that are missing: by the schemas of its own description. */
export async function faultsOf(manifests: readonly Manifest[]): Promise<string[]> {
  const faults = await Promise.all(manifests.map(faultOf));
  return faults.filter((fault) => fault !== undefined);
}

async function faultOf(manifest: Manifest): Promise<string | undefined> {
  const { apiVersion, kind, metadata } = manifest;
  const models = (await import(packageOf(apiVersion))) as Record<string, Model | undefined>;
  const Model = models[kind];
  if (!Model) return `${apiVersion} has no ${kind}`;
  try {
    new Model(manifest).validate();
    return undefined;
  } catch (error) {
    return `${kind}/${metadata.name}: ${(error as Error).message}`;
  }
}

/** What the schemas let pass, fields that do not exist: the compiler refuses them in literals of the same packages' types. */
export function unknownFieldsOf(manifests: readonly Manifest[], folder: string): string {
  const place = mkdtempSync(join(folder, 'types-'));
  const literals = manifests.map(({ apiVersion, kind, ...manifest }, index) => {
    const typed = { apiVersion, kind, ...manifest };
    return `export const m${index}: import('${packageOf(apiVersion)}').I${kind} = ${JSON.stringify(typed)};\n`;
  });
  symlinkSync(join(ROOT, 'node_modules'), join(place, 'node_modules'));
  writeFileSync(join(place, 'package.json'), '{ "type": "module" }');
  writeFileSync(join(place, 'manifests.ts'), literals.join(''));
  const flags = ['--noEmit', '--strict', '--skipLibCheck', '--module', 'nodenext', '--types', ''];
  const compiler = join(ROOT, 'node_modules', 'typescript', 'bin', 'tsc');
  const { stdout, stderr } = tryTool(process.execPath, [compiler, ...flags, 'manifests.ts'], { cwd: place });
  return `${stdout}${stderr}`;
}
