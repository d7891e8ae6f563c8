const WIDTH = 720;
export const EDGE = 20;
export const RIGHT = WIDTH - EDGE;
/** Where a chart's own part begins, below the title and the two lines under it. */
export const TOP = 92;

// Its own background: on GitHub, the page may be dark where the browser prefers light.
const STYLE = `
text{font:12px system-ui,-apple-system,"Segoe UI",Helvetica,Arial,sans-serif;fill:#1f2328;stroke:#fff;stroke-width:3px;paint-order:stroke}
.title{font-size:16px;font-weight:600}.strong{font-weight:600}.quiet{fill:#59636e}.end{text-anchor:end}.middle{text-anchor:middle}
.page{fill:#fff;stroke:#d1d9e0}.grid{stroke:#d1d9e0}.own{fill:#0969da}.other{fill:#9aa4ae}.second{fill:#bc4c00}
.range{stroke:#1f2328}.line{fill:none;stroke:#0969da;stroke-width:2}.bound{stroke:#bc4c00;stroke-dasharray:5 4}
@media(prefers-color-scheme:dark){text{fill:#f0f6fc;stroke:#0d1117}.quiet{fill:#9198a1}.page{fill:#0d1117;stroke:#3d444d}.grid{stroke:#3d444d}
.own{fill:#4493f8}.other{fill:#656c76}.second{fill:#db6d28}.range{stroke:#f0f6fc}.line{stroke:#4493f8}.bound{stroke:#db6d28}}`;

/** What every chart says beside its figures. `description` is what a reader gets who does not see it. */
export type Words = { name: string; title: string; description: string; notes: readonly string[] };

/** Returns a whole SVG file. */
export function frame({ name, title, description, notes }: Words, height: number, content: readonly string[]): string {
  return `<svg xmlns="http://www.w3.org/2000/svg" width="${WIDTH}" height="${height}" viewBox="0 0 ${WIDTH} ${height}" role="img" aria-labelledby="${name}-title ${name}-description">
<title id="${name}-title">${escaped(title)}</title>
<desc id="${name}-description">${escaped(description)}</desc>
<style>${STYLE}
</style>
<rect class="page" x="0.5" y="0.5" width="${WIDTH - 1}" height="${height - 1}" rx="6"/>
${label(EDGE, 30, title, 'title')}
${notes.map((note, i) => label(EDGE, 50 + 18 * i, note, 'quiet')).join('\n')}
${content.join('\n')}
</svg>
`;
}

export function label(x: number, y: number, text: string, style = ''): string {
  return `<text${style === '' ? '' : ` class="${style}"`} x="${at(x)}" y="${at(y)}">${escaped(text)}</text>`;
}

export function line(style: string, from: readonly [number, number], to: readonly [number, number]): string {
  return `<line class="${style}" x1="${at(from[0])}" y1="${at(from[1])}" x2="${at(to[0])}" y2="${at(to[1])}"/>`;
}

/** Returns round numbers from 0 to at least the value, four to eight of them. */
export function ticks(most: number): number[] {
  const rough = most / 5;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 5, 10].find((each) => each * power >= rough)! * power;
  return Array.from({ length: Math.ceil(most / step) + 1 }, (_, i) => Number((i * step).toPrecision(6)));
}

export function at(value: number): string {
  return `${Number(value.toFixed(1))}`;
}

function escaped(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('"', '&quot;');
}
