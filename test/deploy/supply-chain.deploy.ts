import { expect, test } from 'vitest';
import { shippedVersions } from '../../scripts/reference/licences.ts';
import { blocksOf } from '../documents/pages.ts';
import { runTool } from './tools.ts';

type Sbom = {
  specVersion: string;
  components: { 'bom-ref': string; licenses?: object[]; hashes?: object[] }[];
  dependencies: { ref: string; dependsOn: string[] }[];
};

test('the SBOM of docs/how-to/build-the-image.md has exactly what ships, each with licence and checksum', () => {
  const block = blocksOf('docs/how-to/build-the-image.md').find(({ text }) => text.includes('sbom'));
  const [npm, ...args] = block!.text.trim().split(' ');
  const { specVersion, components, dependencies } = JSON.parse(runTool(npm!, args)) as Sbom;
  expect(specVersion).toBe('1.5');
  const bare = components.filter(({ licenses = [], hashes = [] }) => licenses.length === 0 || hashes.length === 0);
  expect(bare).toEqual([]);
  const refs = components.map((component) => component['bom-ref']);
  expect(refs.length).toBeGreaterThan(80);
  expect([...new Set(refs)].toSorted()).toEqual([...new Set(shippedVersions())].toSorted());
  expect(dependencies.length).toBe(new Set(dependencies.map(({ ref }) => ref)).size);
  expect(dependencies.length).toBeGreaterThan(refs.length / 2);
});
