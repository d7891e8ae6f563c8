import { defineConfig } from 'vitepress';
import { anchorOf } from './anchor.ts';
import { sidebar } from './sidebar.ts';
import { sourcesAsText } from './sources.ts';

/** The documents as a site that needs no network: `npm run docs` serves it, `npm run docs:build` writes it. */
export default defineConfig({
  title: 'Latchkey',
  description: 'API keys for products on WorkOS.',
  // The README is the landing page, so that its links and those of the pages hold in the repository and here.
  srcDir: '..',
  srcExclude: ['**/node_modules/**', 'dist/**', '.data/**'],
  rewrites: { 'README.md': 'index.md' },
  // Files named config.ts are the service's, not the site's.
  additionalConfig: {},
  ignoreDeadLinks: 'localhostLinks',
  markdown: { anchor: { slugify: anchorOf }, config: sourcesAsText },
  head: [['link', { rel: 'icon', href: 'data:,' }]],
  themeConfig: {
    search: { provider: 'local', options: { detailedView: true } },
    outline: [2, 3],
    nav: [
      { text: 'Tutorials', link: '/docs/tutorials/first-key' },
      { text: 'How-to', link: '/docs/README#how-to-guides' },
      { text: 'Reference', link: '/docs/README#reference' },
      { text: 'Explanation', link: '/docs/README#explanation' },
    ],
    sidebar: sidebar(),
    docFooter: { prev: false, next: false },
  },
});
