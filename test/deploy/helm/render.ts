import { mkdtempSync, writeFileSync } from 'node:fs';
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { buildGo, runTool, tryTool } from '../tools.ts';
import { CHART, manifestsIn, RELEASE } from './chart.ts';
import type { Manifest } from './chart.ts';

type Rendered = { manifests: Manifest[]; notes: string };
export type Renderer = {
  render: (values: readonly string[]) => Rendered;
  /** The message with which the templates refuse the values. */
  refuse: (values: readonly string[]) => string;
};

export const hasHelm = spawnSync('helm', ['version']).status === 0;

const argumentsFor = (values: readonly string[]) => [CHART, RELEASE.name, RELEASE.namespace, ...values];

/** Builds render.go, in the folder. */
export function buildRenderer(folder: string): Renderer {
  const program = buildGo(join(import.meta.dirname, 'render.go'), folder);
  return {
    render(values) {
      const { 'NOTES.txt': notes, ...templates } = JSON.parse(runTool(program, argumentsFor(values))) as Record<
        string,
        string
      >;
      return { manifests: manifestsIn(Object.values(templates)), notes: notes! };
    },
    refuse(values) {
      const { status, stderr } = tryTool(program, argumentsFor(values));
      if (status === 0) throw new Error('the templates refused nothing');
      return stderr;
    },
  };
}

/** Renders with helm itself, which checks the values by the schema as well. */
export function renderByHelm(values: readonly string[]): Manifest[] {
  const files = values.flatMap((path) => ['--values', path]);
  const { name, namespace } = RELEASE;
  return manifestsIn([runTool('helm', ['template', name, CHART, '--namespace', namespace, ...files])]);
}

/** Writes values where a tool can read them. */
export function writeValues(folder: string, values: object): string {
  const path = join(mkdtempSync(join(folder, 'values-')), 'values.yaml');
  writeFileSync(path, JSON.stringify(values));
  return path;
}
