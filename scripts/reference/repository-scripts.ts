/** A script of package.json for those who change Latchkey: what it does, and what it needs beside the clone. */
export type RepositoryScript = { meaning: string; needs?: string };

const POSTGRES = 'PostgreSQL';
const REGISTRY = 'a package registry';

/** Scripts that write, build and serve. */
export const WRITING: Readonly<Record<string, RepositoryScript>> = {
  format: { meaning: 'formats every file' },
  schema: { meaning: 'writes `migrations/schema.sql` and the JSON Schema of the product file' },
  'docs:bench': {
    meaning: 'writes bench/README.md, the charts and docs/explanation/scale-and-failover.md of the stored results',
  },
  'docs:reference': {
    meaning:
      'writes the pages of `docs/reference` that are made of the code, and variables into the schema of the chart',
  },
  'docs:sessions': { meaning: 'records the sessions of the command `latchkey` that docs/reference/latchkey.md shows' },
  'docs:systems': { meaning: 'writes docs/reference/systems.md from the tests in `test/systems`' },
  'docs:faults': { meaning: 'writes docs/reference/faults.md from what its tests expect' },
  'docs:judges': {
    meaning: "compares the local WorkOS with WorkOS's own emulator in docs/reference/workos-emulators.md",
    needs: REGISTRY,
  },
  latchkey: { meaning: 'runs the command `latchkey` from its sources (docs/reference/latchkey.md)' },
  docs: { meaning: 'serves these pages in a browser, with search and without a network' },
  'docs:build': { meaning: 'writes these pages as a site, and checks it' },
  build: { meaning: 'writes `dist`, which `node dist/src/main.js` starts (docs/tutorials/run-in-production.md)' },
  'build:action': { meaning: 'writes `action/dist`: the GitHub Action of a release' },
  'build:client': {
    meaning: 'writes `packages/latchkey/dist`: the package with the command, the client and the middleware',
  },
  'build:console': {
    meaning: 'writes the console for browsers to `dist/console`; `npm start` does so when its sources changed',
  },
  sbom: {
    meaning: 'prints the software bill of materials of what ships, in CycloneDX (docs/how-to/build-the-image.md)',
  },
  prepack: { meaning: 'builds before `npm pack`' },
};

/** Scripts that check a change. */
export const CHECKS: Readonly<Record<string, RepositoryScript>> = {
  'check:format': { meaning: 'fails where a file is not formatted' },
  lint: { meaning: 'lints with types' },
  types: { meaning: 'checks the types' },
  'check:dependencies': {
    meaning: 'fails when what ships has a known vulnerability of high severity',
    needs: REGISTRY,
  },
  test: { meaning: 'runs the tests, on an embedded database or the server of `TEST_DATABASE_URL`' },
  'test:long': { meaning: 'runs the tests that flood, wait for deadlines, start processes or move hundreds of keys' },
  'test:all': {
    meaning: 'runs every vitest suite of `vitest.config.ts`, one after another',
    needs: 'what each of them needs',
  },
  'test:systems': { meaning: 'runs the tests of the five products in `examples/systems`' },
  'test:documents': {
    meaning: 'pastes the commands of the documents, in one shell for each session of a page',
    needs: `${POSTGRES} for some`,
  },
  'test:console': { meaning: 'plays the stories of the console in a browser', needs: 'Chromium' },
  'test:doctor': { meaning: 'plants every divergence of a WorkOS and expects the doctor to name it' },
  'test:faults': { meaning: 'plays every fault of WorkOS' },
  'test:database-faults': { meaning: 'cuts, silences and crowds the database', needs: POSTGRES },
  'test:deploy': {
    meaning: 'builds and runs the image, and checks everything in `deploy`',
    needs: 'root, and packages of Debian',
  },
  'test:failover': {
    meaning:
      'promotes a standby under load, cuts networks, moves clocks, fills disks, restores a backup; `WRITE_RESULTS=1` stores what it measures',
    needs: 'root, and packages of Debian',
  },
  'test:server': { meaning: 'runs several processes with PostgreSQL, Redis, nginx and Caddy', needs: 'these four' },
  'test:attacks': {
    meaning: 'attacks the running service and fuzzes its HTTP (docs/explanation/threats.md)',
    needs: POSTGRES,
  },
  'test:crash': {
    meaning:
      'kills the service at every named step while clients, billing and webhooks go on, then checks what is left; `--seed` repeats one trial',
    needs: POSTGRES,
  },
  'test:interleavings': {
    meaning: 'plays concurrent changes of keys in every order (docs/how-to/contribute/test-concurrent-changes.md)',
    needs: POSTGRES,
  },
  'test:interleavings:plants': { meaning: 'plants faults that `test:interleavings` must find', needs: POSTGRES },
  'test:decommission': {
    meaning: 'decommissions an organization with 10,000 keys; `--keys` takes another number',
    needs: POSTGRES,
  },
  'test:import-peers': {
    meaning: 'imports keys that Better Auth has made in its own database',
    needs: `${POSTGRES}, ${REGISTRY}`,
  },
  'test:import-large': {
    meaning:
      'imports 1,000,000 keys, with crashes, and measures their first use; `--rows` and `--organizations` take other numbers',
    needs: POSTGRES,
  },
  'test:reconcile-large': {
    meaning: 'reconciles 100,000 keys with a small heap; `--keys` takes another number',
    needs: POSTGRES,
  },
  'test:postures': { meaning: 'moves 1,000 organizations by webhooks under load', needs: POSTGRES },
  explain: { meaning: 'shows what every statement reads (docs/reference/statements.md)', needs: POSTGRES },
  'try:fresh': { meaning: 'installs the last commit on an older Node and npm, and runs the README', needs: REGISTRY },
  'try:package': {
    meaning: 'installs both packages as users do, and tries client, middleware, command and production start',
    needs: `${POSTGRES}, ${REGISTRY}`,
  },
  'try:production': { meaning: 'runs the production start as an operator does', needs: POSTGRES },
  'try:apps': { meaning: 'signs in with the apps of `examples`', needs: REGISTRY },
  bench: { meaning: 'measures what Latchkey costs (bench/README.md)', needs: `${POSTGRES} for some` },
};
