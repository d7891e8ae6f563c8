import type { Module } from './modules.ts';

// Imports point one way: entries → app → features → infrastructure → ground. A folder that is not named here is refused,
// so that a new one gets its place on purpose.
const GROUND_FILES = ['bounded-cache.ts', 'errors.ts', 'clock.ts', 'ids.ts', 'secrets.ts'];
const GROUND = ['config', 'ip', 'process'];
const ENTRY_PARTS = [
  'process/run-process.ts',
  'process/lean-heap.ts',
  'process/cluster/',
  'cli/command.ts',
  'cli/commands.ts',
  'embedded/',
];
const INFRASTRUCTURE = ['http', 'db', 'telemetry', 'workos'];
const FEATURES = [
  'access-reviews',
  'api-keys',
  'audit',
  'auth',
  'background',
  'billing',
  'ci',
  'console-server',
  'idempotency',
  'imports',
  'invalidation',
  'ip-allow-lists',
  'leaks',
  'limits',
  'members',
  'permissions',
  'product',
  'product-api',
  'region',
  'sessions',
  'staff',
  'tasks',
  'tenants',
  'usage',
  'verification',
  'webhooks',
  'workos-sync',
];

const ROOMS_OF_THEIR_OWN = ['scan', 'action', 'app', 'emulator', 'client', 'command', 'console', 'element', 'doctor'];

const EMULATOR_USERS = ['embedded.ts', 'cli/local-workos.ts'];
/** It starts the entry that its first argument names. */
const STARTS_ENTRIES = 'cli/main.ts';
const READS_ENVIRONMENT = 'entry';
const REPOSITORY = /-(?:repository|reader|writer|row)\.ts$/;

type Layer =
  | 'ground'
  | 'infrastructure'
  | 'scan'
  | 'feature'
  | 'app'
  | 'entry part'
  | 'entry'
  | 'emulator'
  | 'client'
  | 'action'
  | 'command'
  | 'console'
  | 'element'
  | 'doctor'
  | 'migrations';

const MAY_IMPORT: Record<Layer, readonly Layer[]> = {
  ground: ['ground'],
  infrastructure: ['ground', 'infrastructure', 'migrations'],
  // What a key looks like. It is published with the command, and the service uses the same.
  scan: ['scan'],
  feature: ['ground', 'infrastructure', 'scan', 'feature'],
  app: ['ground', 'infrastructure', 'feature', 'app'],
  'entry part': ['ground', 'infrastructure', 'entry part'],
  entry: ['ground', 'infrastructure', 'scan', 'feature', 'app', 'entry part', 'emulator', 'doctor', 'command'],
  emulator: ['emulator'],
  // It is published for other services, and brings nothing of this one along.
  client: ['client'],
  // It is published, too, and calls the service as any other client does.
  command: ['command', 'client', 'scan'],
  action: ['action', 'client'],
  // It runs in browsers, and calls the service as any other client does.
  console: ['console', 'client', 'element'],
  // It is published for pages of products.
  element: ['element', 'client'],
  // It judges with the service's own readers, which the entry hands it; nothing of the service needs it.
  doctor: ['ground', 'infrastructure', 'feature', 'doctor'],
  migrations: [],
};

// Between folders of infrastructure only this is needed: what calls WorkOS measures the calls.
const INFRASTRUCTURE_PAIRS = ['workos → telemetry'];

/** Every import that breaks a rule, one line each. */
export function violations(modules: readonly Module[]): string[] {
  return [...modules.flatMap((module) => [...ofImports(module), ...ofPackages(module)]), ...cycles(modules)];
}

function ofImports(module: Module): string[] {
  return module.imports.flatMap((target) => {
    const reason = refusal(module.path, target);
    return reason === undefined ? [] : [`${module.path} → ${target}: ${reason}`];
  });
}

function refusal(from: string, to: string): string | undefined {
  const [source, target] = [layerOf(from), layerOf(to)];
  if (source === undefined || target === undefined) return 'this folder has no place in the rules';
  if (from === STARTS_ENTRIES && target === 'entry') return undefined;
  if (!MAY_IMPORT[source].includes(target)) return `${source} imports ${target}`;
  if (target === 'emulator' && source === 'entry' && !EMULATOR_USERS.includes(from)) return 'only the local starts do';
  if (target === 'migrations' && from !== 'db/migrations.ts') return 'only db/migrations.ts knows them';
  const [own, other] = [folderOf(from), folderOf(to)];
  if (own === other) return undefined;
  if (source === 'infrastructure' && target === 'infrastructure' && !INFRASTRUCTURE_PAIRS.includes(`${own} → ${other}`))
    return 'infrastructure stands side by side';
  if (other === 'product-api' && source === 'feature') return 'the API of a product stands on top of the features';
  if (own === 'product-api' && target === 'feature' && other !== 'product')
    return 'the API of a product knows operations by their routes alone';
  if (source === 'feature' && target === 'feature' && REPOSITORY.test(to)) return 'the repository of another feature';
  return undefined;
}

function ofPackages({ path, packages, text }: Module): string[] {
  const wrong: string[] = [];
  const imports = (name: string) => packages.some((it) => it === name || it.startsWith(`${name}/`));
  if (imports('@workos-inc/node') && folderOf(path) !== 'workos') wrong.push(`${path}: only src/workos uses the SDK`);
  if (imports('@redis/client') && !path.startsWith('limits/shared/'))
    wrong.push(`${path}: only src/limits/shared uses Redis`);
  if (imports('@opentelemetry/api') && folderOf(path) !== 'telemetry')
    wrong.push(`${path}: only src/telemetry uses OpenTelemetry`);
  if (imports('stripe') && !path.startsWith('billing/webhooks/'))
    wrong.push(`${path}: only src/billing/webhooks uses the library of Stripe`);
  if (imports('@electric-sql/pglite') && path !== 'db/connect-embedded.ts')
    wrong.push(`${path}: only src/db/connect-embedded.ts uses pglite`);
  if (
    /\bprocess\s*\.\s*env\b|\bimport\b[^;]*\benv\b[^;]*['"](?:node:)?process['"]/.test(text) &&
    layerOf(path) !== READS_ENVIRONMENT
  )
    wrong.push(`${path}: only an entry reads the environment`);
  if (layerOf(path) === 'console' && packages.some((name) => name.startsWith('node:')))
    wrong.push(`${path}: the console runs in browsers`);
  const foreign = packages.filter((name) => name !== 'express' && !name.startsWith('node:'));
  if (layerOf(path) === 'action' && foreign.some((name) => name !== '@actions/core'))
    wrong.push(`${path}: the action needs its toolkit and Node alone`);
  if (layerOf(path) === 'command' && foreign.some((name) => name !== '@stricli/core' && name !== 'js-yaml'))
    wrong.push(`${path}: the command needs its parsers and Node alone`);
  if (layerOf(path) === 'scan' && packages.some((name) => !name.startsWith('node:')))
    wrong.push(`${path}: the scan needs Node alone`);
  if (layerOf(path) === 'client' && foreign.length > 0) wrong.push(`${path}: the client needs Node alone`);
  return wrong;
}

/** Circles between files, and between the folders of features. */
function cycles(modules: readonly Module[]): string[] {
  const files = new Map(modules.map(({ path, imports }) => [path, imports]));
  const folders = new Map<string, string[]>();
  for (const { path, imports } of modules) {
    if (layerOf(path) !== 'feature') continue;
    const others = imports.filter((to) => layerOf(to) === 'feature' && folderOf(to) !== folderOf(path)).map(folderOf);
    folders.set(folderOf(path), [...(folders.get(folderOf(path)) ?? []), ...others]);
  }
  return [...circlesOf(files), ...circlesOf(folders)];
}

function circlesOf(graph: ReadonlyMap<string, readonly string[]>): string[] {
  const found: string[] = [];
  const done = new Set<string>();
  const visit = (node: string, path: readonly string[]): void => {
    if (path.includes(node)) found.push(`circle: ${[...path.slice(path.indexOf(node)), node].join(' → ')}`);
    if (done.has(node) || path.includes(node)) return;
    for (const next of graph.get(node) ?? []) visit(next, [...path, node]);
    done.add(node);
  };
  for (const node of graph.keys()) visit(node, []);
  return found;
}

function layerOf(path: string): Layer | undefined {
  if (path.startsWith('../migrations/')) return 'migrations';
  if (ENTRY_PARTS.some((part) => path === part || (part.endsWith('/') && path.startsWith(part)))) return 'entry part';
  const folder = folderOf(path);
  if (folder === '') return GROUND_FILES.includes(path) ? 'ground' : 'entry';
  if (folder === 'cli' || path === 'command/main.ts') return 'entry';
  if (ROOMS_OF_THEIR_OWN.includes(folder)) return folder as Layer;
  if (GROUND.includes(folder)) return 'ground';
  if (INFRASTRUCTURE.includes(folder)) return 'infrastructure';
  return FEATURES.includes(folder) ? 'feature' : undefined;
}

function folderOf(path: string): string {
  return path.includes('/') ? path.slice(0, path.indexOf('/')) : '';
}
