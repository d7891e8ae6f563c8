import '../styles/tokens.css';
import '../styles/base.css';
import './element.css';

/** `scripts/build-element.ts` puts all styles of the element here. */
const STYLES = '%STYLES%';

let sheet: CSSStyleSheet | undefined;

/** Gives a shadow tree the styles: one sheet for all elements, which no policy for inline styles concerns. */
export function adoptStyles(root: ShadowRoot): void {
  if (!sheet) {
    sheet = new CSSStyleSheet();
    sheet.replaceSync(STYLES);
  }
  root.adoptedStyleSheets = [sheet];
}
