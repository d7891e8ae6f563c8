import { createHash } from 'node:crypto';
import { readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import type { InlineConfig, Rolldown } from 'vite';
import { buildElement } from './build-element.ts';

// `npm run build:console`: builds the console for browsers into dist/console. With `--if-changed`, as `npm start` runs it, a
// console that was built from the same sources and packages is kept, and nothing is printed.
const root = join(import.meta.dirname, '..');
const sources = join(root, 'src/console');
const output = join(root, 'dist/console');
const STAMP = join(output, '.sources');

/** The most gzipped bytes that a browser downloads: before the first screen shows, and in all; and in how many files the first are. */
const BUDGET = { firstScript: 60_000, firstStyle: 12_000, all: 110_000, firstFiles: 4 };

/** What every screen and the list of keys use, in one file. */
const FIRST =
  /node_modules\/(?:preact|@tanstack)|src\/client\/|src\/console\/(?:app|data|keys|layout|parts|session|signed-out|dialogs\/(?:dialogs|key-actions|later)|secret\/secrets|words\/(?!languages\/de\b))/;

const hash = hashOfSources();
const isStart = process.argv.includes('--if-changed');
if (!isStart) await buildConsole();
else if (hash !== readStamp()) await buildConsole().catch(goOnWithout);

/** The service starts without its console: on a machine without the build's packages, or where nothing can be written. */
function goOnWithout(error: NodeJS.ErrnoException): void {
  const reason = error.code === 'ERR_MODULE_NOT_FOUND' ? 'Vite is not installed, run npm ci' : error.message;
  process.stderr.write(`The console cannot be built (${reason}). Everything else starts.\n`);
}

async function buildConsole(): Promise<void> {
  // Vite would build for development where the environment says so, as in a test.
  process.env['NODE_ENV'] = 'production';
  // Loaded here, because most starts build nothing.
  const { build } = await import('vite');
  const shared: InlineConfig = {
    configFile: false,
    root: sources,
    base: '/console/',
    logLevel: 'warn',
    oxc: { jsx: { runtime: 'automatic', importSource: 'preact' } },
    build: {
      outDir: output,
      target: 'es2022',
      assetsInlineLimit: 0,
      modulePreload: { polyfill: false },
      reportCompressedSize: false,
    },
  };
  const result = await build({
    ...shared,
    build: {
      ...shared.build,
      emptyOutDir: true,
      manifest: true,
      rolldownOptions: { output: { codeSplitting: { groups: [{ name: 'base', test: FIRST }] } } },
    },
  });
  holdBudget((result as Rolldown.RolldownOutput).output);
  const element = await buildElement({ shared, sources, output });
  if (!isStart) process.stdout.write(`${JSON.stringify(element)}\n`);
  writeFileSync(STAMP, hash);
}

function holdBudget(files: Rolldown.RolldownOutput['output']): void {
  const page = String(contentOf(files.find(({ fileName }) => fileName === 'index.html')!));
  const bytes = (kind: RegExp, onlyFirst: boolean) =>
    files
      .filter(({ fileName }) => kind.test(fileName) && (!onlyFirst || page.includes(fileName)))
      .reduce((sum, file) => sum + gzipSync(contentOf(file)).length, 0);
  const sizes = {
    firstScript: bytes(/\.js$/, true),
    firstStyle: bytes(/\.css$/, true),
    all: bytes(/\.(?:js|css|svg)$/, false),
    firstFiles: files.filter(({ fileName }) => /\.(?:js|css)$/.test(fileName) && page.includes(fileName)).length,
  };
  for (const [name, size] of Object.entries(sizes)) {
    const most = BUDGET[name as keyof typeof BUDGET];
    const unit = name === 'firstFiles' ? 'files' : 'bytes compressed';
    if (size > most) throw new Error(`The console's ${name} is ${size} ${unit}; at most ${most} are allowed.`);
  }
  if (!isStart) process.stdout.write(`${JSON.stringify(sizes)}\n`);
}

function contentOf(file: Rolldown.OutputChunk | Rolldown.OutputAsset): string | Uint8Array {
  return file.type === 'chunk' ? file.code : file.source;
}

function hashOfSources(): string {
  const read = createHash('sha256');
  const paths = readdirSync(sources, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map(({ parentPath, name }) => join(parentPath, name));
  const client = ['client.ts', 'key-methods.ts', 'send.ts', 'latchkey-error.ts'].map((name) =>
    join(root, 'src/client', name),
  );
  const scripts = [import.meta.filename, join(import.meta.dirname, 'build-element.ts')];
  for (const path of [...paths.toSorted(), ...client, join(root, 'package-lock.json'), ...scripts])
    read.update(`${path.slice(root.length)}\n`).update(readFileSync(path));
  return read.digest('hex');
}

function readStamp(): string | undefined {
  try {
    return readFileSync(STAMP, 'utf8');
  } catch {
    return undefined;
  }
}
