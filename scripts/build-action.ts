import { join } from 'node:path';
import { build } from 'vite';

// `npm run build:action`: writes action/dist, which a release of the GitHub Action has beside action/action.yml.
const root = join(import.meta.dirname, '..');

await build({
  configFile: false,
  root,
  logLevel: 'warn',
  ssr: { noExternal: true },
  build: {
    ssr: true,
    outDir: join(root, 'action/dist'),
    emptyOutDir: true,
    minify: true,
    target: 'node24',
    rolldownOptions: {
      input: { main: join(root, 'src/action/main.ts'), post: join(root, 'src/action/post.ts') },
      output: { entryFileNames: '[name].mjs', chunkFileNames: '[name]-[hash].mjs' },
    },
  },
});
