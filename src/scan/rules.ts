import type { KeyForm } from './key-pattern.ts';

export const SCANNERS = ['gitleaks', 'trufflehog', 'github'] as const;
export type Scanner = (typeof SCANNERS)[number];

type Rule = { id: string; prefix: string; regex: string; needsEntropy: boolean };

const LETTERS = '[A-Za-z0-9]';
const WORD = '[A-Za-z0-9_-]';
/** As `secretOf` in the service takes keys: what stands between the prefix and the checksum. */
const REST = `${WORD}{13,252}`;
const LEAST_BARE = 16;
const MOST_BARE = 251;
/** Bits a character, below which gitleaks takes a text in WorkOS's own form for a name. */
const ENTROPY = 3;

const WRITERS: Readonly<Record<Scanner, (rules: readonly Rule[]) => string>> = { gitleaks, trufflehog, github };

/**
 * Writes the rules with which another scanner finds the keys of a product. No scanner of these can compute a checksum, so
 * that a finding is as sure as its prefix.
 */
export function rulesOf(form: KeyForm, scanner: Scanner): string {
  return WRITERS[scanner](rulesFor(form));
}

function rulesFor({ prefixes, format }: KeyForm): Rule[] {
  const bare = prefixes.map((prefix) => ({
    id: idOf(prefix),
    prefix,
    regex: `\\b${prefix}${WORD}{${LEAST_BARE - prefix.length},${MOST_BARE - prefix.length}}`,
    needsEntropy: true,
  }));
  if (!format) return bare;
  const { live, test, checksum, length, accept_bare: isBareAccepted } = format;
  const rest = (prefix: string) =>
    length === undefined ? `${REST}${checksum ? `${LETTERS}{6}` : ''}` : `${LETTERS}{${length - prefix.length}}`;
  const named = [live, ...(test === undefined ? [] : [test])].map((prefix) => ({
    id: idOf(prefix),
    prefix,
    regex: `${prefix}${rest(prefix)}`,
    needsEntropy: false,
  }));
  return [...named, ...(isBareAccepted ? bare : [])];
}

const idOf = (prefix: string) => `${prefix.replaceAll('_', '-').replace(/-+$/, '').toLowerCase()}-api-key`;

function gitleaks(rules: readonly Rule[]): string {
  const tables = rules.map(({ id, prefix, regex, needsEntropy }) =>
    [
      '[[rules]]',
      `id = "${id}"`,
      `description = "API key that begins with ${prefix}"`,
      `regex = '''${regex}'''`,
      `keywords = ["${prefix.toLowerCase()}"]`,
      ...(needsEntropy ? [`entropy = ${ENTROPY}`] : []),
    ].join('\n'),
  );
  return `[extend]\nuseDefault = true\n\n${tables.join('\n\n')}\n`;
}

function trufflehog(rules: readonly Rule[]): string {
  const detectors = rules.map(({ id, prefix, regex }) =>
    [`  - name: ${id}`, `    keywords: ['${prefix}']`, '    regex:', `      key: '${regex}'`].join('\n'),
  );
  return `detectors:\n${detectors.join('\n')}\n`;
}

/** What the secret scanning programme asks for: a name and an expression of each type. */
function github(rules: readonly Rule[]): string {
  return rules.map(({ id, regex }) => `${id.replaceAll('-', '_')}  ${regex}\n`).join('');
}
