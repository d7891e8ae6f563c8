import { readFileSync } from 'node:fs';
import { codes, tablesPage } from './page.ts';
import type { Page } from './page.ts';

type Locked = { version?: string; license?: string; dev?: boolean; optional?: boolean; link?: boolean };
export type Shipped = { name: string; license: string };

const INTRODUCTION = `Licences of every package that an installation of \`latchkey-server\` has, as \`package-lock.json\` names them; the image leaves out
\`@electric-sql/pglite\`.
A test refuses a licence that is not on a list of permissive ones. The image also has Node (MIT, with the licences of its own parts)
and what its base has.

\`npm run --silent sbom\` prints the same packages, with versions and checksums, as a software bill of materials.`;

const LOCK = new URL('../../package-lock.json', import.meta.url);

function shippedEntries(): [string, Locked][] {
  const { packages } = JSON.parse(readFileSync(LOCK, 'utf8')) as { packages: Record<string, Locked> };
  return Object.entries(packages).filter(
    ([path, { dev, optional, link }]) => path.startsWith('node_modules/') && !dev && !optional && !link,
  );
}

/** Returns every package that ships as `NAME@VERSION`. */
export function shippedVersions(): string[] {
  return shippedEntries().map(([path, { version }]) => `${nameAt(path)}@${version}`);
}

const nameAt = (path: string) => path.split('node_modules/').at(-1)!;

/** Returns every package that ships, from the lock file. */
export function shippedPackages(): Shipped[] {
  const shipped = shippedEntries().map(([path, { license = 'unknown' }]) => ({
    name: nameAt(path),
    license,
  }));
  const byName = new Map(shipped.map((each) => [`${each.name} ${each.license}`, each]));
  return [...byName.values()].toSorted((a, b) => (a.name < b.name ? -1 : 1));
}

/** Returns the page of licences. */
export function licencesPage(): Promise<Page> {
  const byLicence = Map.groupBy(shippedPackages(), ({ license }) => license);
  const entries = Array.from(byLicence, ([name, packages]) => ({
    name,
    count: packages.length,
    meaning: codes(packages.map((each) => each.name)),
  })).toSorted((a, b) => b.count - a.count || (a.name < b.name ? -1 : 1));
  return tablesPage(
    { file: 'licences.md', title: 'Licences', introduction: INTRODUCTION },
    { licence: ({ name }) => name, packages: ({ meaning }) => meaning },
    [{ entries }],
  );
}
