import { execFileSync } from 'node:child_process';
import { chmodSync, copyFileSync, readFileSync, readdirSync, rmSync, statSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { build } from 'vite';
import { removeUnusedTypes } from './remove-unused-types.ts';

// `npm run build:client`: writes the package that other services install, packages/latchkey/dist: each entry as one module
// with what it loads later beside it, and types. Everything but Node is in it.
const root = join(import.meta.dirname, '..');
const output = join(root, 'packages/latchkey/dist');
const consoleOutput = join(root, 'dist/console');
const compiler = join(dirname(createRequire(import.meta.url).resolve('typescript/package.json')), 'bin', 'tsc');
const ENTRIES = {
  client: 'src/client/client.ts',
  express: 'src/client/express.ts',
  latchkey: 'src/command/main.ts',
  react: 'src/element/react.ts',
};
/** What pages bring themselves, and the element, which stands beside the wrapper as it was built for the service. */
const APART = ['react', 'latchkey/element'];
/** The declarations that package.json names. */
const TYPES = ['client/client.d.ts', 'client/express.d.ts', 'element/element.d.ts', 'element/react.d.ts'];
/** The most bytes of the unpacked package, with 4 KB for its manifest, its licence and its page. */
const BUDGET = 396_000;

rmSync(output, { recursive: true, force: true });
await build({
  configFile: false,
  root,
  logLevel: 'warn',
  ssr: { noExternal: true, external: APART },
  build: {
    ssr: true,
    outDir: output,
    emptyOutDir: true,
    minify: true,
    target: 'node20',
    rolldownOptions: {
      external: APART,
      input: Object.fromEntries(Object.entries(ENTRIES).map(([name, file]) => [name, join(root, file)])),
      output: { entryFileNames: '[name].js', chunkFileNames: 'parts/[name]-[hash].js' },
    },
  },
});
for (const project of ['tsconfig.client.json', 'src/element/tsconfig.types.json'])
  execFileSync(process.execPath, [compiler, '-p', project], { cwd: root, stdio: 'inherit' });
removeUnusedTypes(join(output, 'types'), TYPES);
await import('./build-console.ts');
for (const name of readdirSync(consoleOutput).filter((name) => name.startsWith('latchkey-keys')))
  copyFileSync(join(consoleOutput, name), join(output, name));
chmodSync(join(output, 'latchkey.js'), 0o755);
copyFileSync(join(root, 'LICENSE'), join(output, '../LICENSE'));
check();

function check(): void {
  const files = readdirSync(output, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
  const size = files.reduce((sum, { parentPath, name }) => sum + statSync(join(parentPath, name)).size, 0);
  if (size > BUDGET) throw new Error(`The package latchkey has ${size} bytes; at most ${BUDGET} are allowed.`);
  const command = readFileSync(join(output, 'latchkey.js'), 'utf8');
  if (!command.startsWith('#!')) throw new Error('The command latchkey does not begin with its interpreter.');
  // A resolver that knows the paths of src/element finds its types instead, which are an empty module.
  if (!/import\(([`"'])latchkey\/element\1\)/.test(readFileSync(join(output, 'react.js'), 'utf8')))
    throw new Error('latchkey/react does not load latchkey/element.');
  process.stdout.write(`${JSON.stringify({ files: files.length, bytes: size })}\n`);
}
