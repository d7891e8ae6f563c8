import type { MarkdownRenderer } from 'vitepress';

/** Shows links to sources as text: the site has pages, and the repository has the rest. */
export function sourcesAsText(md: MarkdownRenderer): void {
  md.core.ruler.push('sources-as-text', ({ tokens }) => {
    for (const { children } of tokens) {
      let isInside = false;
      for (const token of children ?? []) {
        if (token.type === 'link_open' && isSource(token.attrGet('href') ?? '')) {
          Object.assign(token, { type: 'source_open', tag: 'span', attrs: [['title', token.attrGet('href')]] });
          isInside = true;
        } else if (token.type === 'link_close' && isInside) {
          Object.assign(token, { type: 'source_close', tag: 'span' });
          isInside = false;
        }
      }
    }
  });
}

function isSource(href: string): boolean {
  return !/^(?:[a-z]+:|#)/.test(href) && !/\.md(?:#|$)/.test(href);
}
