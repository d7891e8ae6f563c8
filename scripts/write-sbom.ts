import { execFileSync } from 'node:child_process';
import { shippedVersions } from './reference/licences.ts';

// `npm run --silent sbom`: prints the software bill of materials of what ships, in CycloneDX. `npm sbom --omit dev` leaves out
// packages that development needs as well, such as `qs` of Express, so that all are asked for, and those that ship are kept.

type Component = { 'bom-ref': string };
type Dependency = { ref: string; dependsOn?: string[] };
type Sbom = { metadata: { component: Component }; components: Component[]; dependencies: Dependency[] };

const args = ['sbom', '--package-lock-only', '--sbom-format', 'cyclonedx', '--loglevel=error'];
const all = JSON.parse(execFileSync('npm', args, { encoding: 'utf8', maxBuffer: 64_000_000 })) as Sbom;
const shipped = new Set(shippedVersions());
const components = all.components.filter((component) => shipped.has(component['bom-ref']));
const refs = new Set([all.metadata.component, ...components].map((component) => component['bom-ref']));
const dependencies = all.dependencies
  .filter(({ ref }) => refs.has(ref))
  .map(({ ref, dependsOn = [] }) => ({ ref, dependsOn: dependsOn.filter((each) => refs.has(each)) }));
process.stdout.write(`${JSON.stringify({ ...all, components, dependencies }, undefined, 2)}\n`);
