/** A word of ours where the field has one of its own, and what the field says. */
type OldWord = { pattern: RegExp; say: string };

/** Where a reader meets words: `what` is the kind of place, `text` what stands there. */
export type Place = { path: string; what: 'file name' | 'export' | 'text' | 'test title'; text: string };

// Wire names that exist stay: they have no spaces, and stand in no name of a file or an export.
const OLD_WORDS: readonly OldWord[] = [
  { pattern: /\bnotices?\b/i, say: 'webhook' },
  // Not in a path such as `/v1/hooks/stripe`.
  { pattern: /(?<!\/)\bhooks?\b/i, say: 'webhook' },
  { pattern: /\blanes?\b/i, say: 'fast path, or delivery queue' },
  { pattern: /\b(?:tells?|telling|told)\b/i, say: 'record, publish, or deliver' },
  { pattern: /\b(?:hears?|heard|hearing)\b/i, say: 'receive, or learn' },
  { pattern: /\bmend(?:s|ed|ing)?\b/i, say: 'repair, or reconcile' },
  { pattern: /(?<!\bdead )\bletters? (?:of|from|to)\b/i, say: 'message, or delivery' },
  { pattern: /\bhash keys?\b/i, say: 'HMAC key' },
  { pattern: /(?<!permission )\bkey sets?\b/i, say: 'JWKS' },
  { pattern: /\b(?:asked|key) ends?\b/i, say: 'expiry' },
  { pattern: /(?<!--)\bpatience\b/i, say: 'timeout' },
  { pattern: /\bpace[ds]?\b/i, say: 'rate limiter' },
  { pattern: /\bsafes\b/i, say: 'idempotency records' },
  {
    pattern: /\b(?:whoever|somebody|nobody|everybody|anybody)\b/i,
    say: 'who it is: the caller, the replica, the owner',
  },
];

/** Every place where an old word stands, one line each. */
export function oldWords(places: readonly Place[]): string[] {
  return places.flatMap(({ path, what, text }) => {
    const words = what === 'file name' || what === 'export' ? wordsOf(text) : text;
    return OLD_WORDS.flatMap(({ pattern, say }) => {
      const found = pattern.exec(words)?.[0];
      return found === undefined ? [] : [`${path}: ${what} '${text}' says '${found}'; say ${say}`];
    });
  });
}

/** The places of a source file: its name, its exports, and its texts, which are all strings of two words and more. */
export function placesOf(path: string, source: string): Place[] {
  const exports = [...source.matchAll(/^export (?:async )?(?:const|function\*?|type|class|interface|let) (\w+)/gm)];
  return [
    { path, what: 'file name', text: path },
    ...exports.map(([, name]): Place => ({ path, what: 'export', text: name! })),
    ...stringsOf(source)
      .filter((text) => /[a-z]\S* +\S*[a-z]/i.test(text) && !isSql(text))
      .map((text): Place => ({ path, what: 'text', text })),
  ];
}

/** The places of a file of tests: its name and its titles. */
export function placesOfTest(path: string, source: string): Place[] {
  const titles = [
    ...source.matchAll(/\b(?:test|it|describe)(?:\.\w+(?:\([^)]*\))?)*\(\s*(['"`])((?:\\.|(?!\1)[^\\])*)\1/g),
  ];
  return [
    { path, what: 'file name', text: path },
    ...titles.map(([, , text]): Place => ({ path, what: 'test title', text: text! })),
  ];
}

const SQL_VERB = /\b(?:select|insert into|update|delete from|from|where|create|alter|grant|returning|values)\b/;
const SQL_REST = /\b(?:set|from|where|on|into|and|to)\b|[=(]/;

function isSql(text: string): boolean {
  const verb = SQL_VERB.exec(text);
  return verb !== null && SQL_REST.test(text.slice(verb.index + verb[0].length).split('.', 1)[0]!);
}

/** `keyIdOf`, `KEY_ID` and `key-id.ts` as words. */
function wordsOf(name: string): string {
  return name.replaceAll(/([a-z\d])([A-Z])/g, '$1 $2').replaceAll(/[^A-Za-z\d]+/g, ' ');
}

const TOKEN = /\/\/[^\n]*|\/\*[\s\S]*?\*\/|'((?:\\.|[^'\\\n])*)'|"((?:\\.|[^"\\\n])*)"|`((?:\\.|[^`\\])*)`/g;

/** The contents of the string literals of a source, without comments. */
function stringsOf(source: string): string[] {
  return [...source.matchAll(TOKEN)].flatMap(([, single, double, template]) => single ?? double ?? template ?? []);
}
