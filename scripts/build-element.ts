import { globSync, readFileSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { gzipSync } from 'node:zlib';
import type { InlineConfig, Plugin, Rolldown } from 'vite';

type Output = Rolldown.RolldownOutput['output'];
type Options = { shared: InlineConfig; sources: string; output: string };

/** The name under which the service serves the element, and the package exports it. Other languages stand beside it. */
const NAME = 'latchkey-keys';
/** The most gzipped bytes: of the element with its styles and English, and of another language. */
const BUDGET = { element: 45_000, language: 5_000 };
/** What src/console/element/styles.ts has until the styles are known. */
const PLACEHOLDER = /(["'`])%STYLES%\1/;
const WIDE_COLOURS = /@supports \(color:color\(display-p3 1 1 1\)\)\{@media \(color-gamut:p3\)\{[^{}]*\{[^{}]*\}\}\}/g;

/** Builds `<latchkey-keys>` as one module with its styles inside. Returns the compressed sizes. */
export async function buildElement({ shared, sources, output }: Options): Promise<Record<string, number>> {
  const { build } = await import('vite');
  const result = await build({
    ...shared,
    plugins: [withoutCi],
    css: { modules: { generateScopedName: makeShortNames(sources) } },
    build: {
      ...shared.build,
      write: false,
      cssCodeSplit: false,
      modulePreload: false,
      rolldownOptions: {
        input: { [NAME]: join(sources, 'element/main.ts') },
        output: { entryFileNames: '[name].js', chunkFileNames: `${NAME}.[name].js` },
      },
    },
  });
  const sizes: Record<string, number> = {};
  for (const [name, code] of modulesOf((result as Rolldown.RolldownOutput).output)) {
    const most = name === `${NAME}.js` ? BUDGET.element : BUDGET.language;
    const size = (sizes[name] = gzipSync(code).length);
    if (size > most) throw new Error(`${name} is ${size} bytes compressed; at most ${most} are allowed.`);
    writeFileSync(join(output, name), code);
  }
  return sizes;
}

const CI_CALLS = 'ci-calls.ts';

/** Leaves the calls for CI out of the element's client: a page of a product has no CI jobs. */
const withoutCi: Plugin = {
  name: 'without-ci',
  enforce: 'pre',
  load: (id) => (basename(id) === CI_CALLS ? 'export const ciOf = () => undefined;' : undefined),
};

/**
 * In a shadow tree, the names of classes are short: no others are there. They are numbered in the order of their files, because
 * Vite reads those in another order each time, and a build must give the bytes of the one before.
 */
function makeShortNames(sources: string): (name: string, file: string) => string {
  const known = new Map<string, string>();
  for (const file of globSync('**/*.module.css', { cwd: sources }).toSorted()) {
    const text = readFileSync(join(sources, file), 'utf8').replaceAll(/\/\*[^]*?\*\//g, '');
    for (const [, name] of text.matchAll(/(?:\.|@keyframes )([A-Za-z][\w-]*)/g)) {
      const of = `${join(sources, file)} ${name}`;
      if (!known.has(of)) known.set(of, `c${known.size.toString(36)}`);
    }
  }
  return (name, file) => {
    const short = known.get(`${file.split('?')[0]} ${name}`);
    if (short === undefined) throw new Error(`${file} has no ${name} that a build finds before it reads the file`);
    return short;
  };
}

function modulesOf(files: Output): [string, string][] {
  const [styles, ...others] = files.filter((file) => file.type === 'asset' && file.fileName.endsWith('.css'));
  if (styles?.type !== 'asset' || others.length > 0) throw new Error('<latchkey-keys> must have one style sheet.');
  const text = JSON.stringify(inElement(String(styles.source)));
  return files
    .filter((file) => file.type === 'chunk')
    .map(({ fileName, isEntry, code }) => [fileName, isEntry ? withStyles(code, text) : code]);
}

function withStyles(code: string, text: string): string {
  if (!PLACEHOLDER.test(code)) throw new Error('<latchkey-keys> has no place for its styles.');
  return code.replace(PLACEHOLDER, () => text);
}

/** Makes the page's styles those of a part: sizes follow its own text, and only the colours that it uses are left. */
function inElement(css: string): string {
  const sized = css.replaceAll(/--size:[^;}]*|(\d*\.?\d+)rem\b/g, (found, number: string | undefined) =>
    number === undefined ? found : `calc(${number}*var(--size))`,
  );
  return withoutUnused(sized.replaceAll(WIDE_COLOURS, ''));
}

function withoutUnused(css: string): string {
  const used = new Set(css.match(/(?<=var\()--[\w-]+/g));
  const left = css.replaceAll(/(--[\w-]+):[^;{}]*(?:;|(?=\}))/g, (declared, name: string) =>
    used.has(name) ? declared : '',
  );
  return left === css ? css : withoutUnused(left);
}
