import type { KeyFormatRules, KeyRules } from '../../product/key-rules.ts';
import { deriveBase62 } from './derived-secret.ts';
import { CHECKSUM_LENGTH, checksumOf, endsWithChecksum } from '../../scan/key-checksum.ts';
import type { Environment, KeptHash } from '../key.ts';
import type { ImportedForm, LocatedKey } from './imported-form.ts';

/** The parts of a presented key. */
export type ReadKey = {
  /** Undefined where the key's format does not show it. */
  environment: Environment | undefined;
  /** What the mirror stores the HMAC of. */
  secret: string;
  /** WorkOS's secret; undefined where it cannot be recovered from the key. */
  workosSecret: string | undefined;
};

export type KeyFormat = {
  /** Prefixes of keys that are issued here. */
  prefixes: readonly string[];
  /** Whether a presented credential is an API key, by how it begins or by the form of an import. */
  recognizes(presented: string): boolean;
  /** Returns the hashes under which imports may have a presented key. */
  importedHashesOf(presented: string): KeptHash[];
  /** Returns what finds a presented key in imports whose hashes have a salt. */
  locate(presented: string): LocatedKey[];
  /** Whether there is a format for keys of this environment. */
  has(environment: Environment): boolean;
  /** Makes the key that its owner gets from WorkOS's secret. */
  handOut(workosSecret: string, environment: Environment): string;
  /** Returns the obfuscated form for display; `workosShows` is WorkOS's own. */
  show(value: string, environment: Environment, workosShows: string): string;
  /** Returns the secret of a presented key; undefined when its form alone shows that it is no key. */
  secretOf(presented: string): string | undefined;
  /** Whether a well-formed key can belong to this environment. */
  fits(presented: string, environment: Environment): boolean;
  read(presented: string): ReadKey | undefined;
};

/** The secrets that WorkOS issues: opaque words. */
const WORKOS_KEY = /^[A-Za-z][\w-]{15,250}$/;
const WORKOS_PREFIX = 'sk_';
/** Stands behind the product's prefix when all of WorkOS's secret follows, instead of what follows its `sk_`. */
const WHOLE = '_';
const WHOLE_CODE = WHOLE.charCodeAt(0);
const MIN_REST = 16 - WORKOS_PREFIX.length;
/** The marker and the longest secret. */
const MAX_REST = 1 + 251;
const SHOWN = 4;

const LETTERS_AND_DIGITS = codesOf(/[A-Za-z0-9]/);
const WORD = codesOf(/[\w-]/);

/** The form of keys that are issued here. */
type OwnFormat = Omit<KeyFormat, 'recognizes' | 'importedHashesOf' | 'locate'>;

/** Makes the configured key format; WorkOS's own where none is configured. Keys of imports are accepted, too. */
export function makeKeyFormat(
  { format, prefixes }: Pick<KeyRules, 'format' | 'prefixes'>,
  imports: readonly ImportedForm[] = [],
): KeyFormat {
  if (!format) return withImports(workosFormat(prefixes), imports);
  const own = format.length === undefined ? wrapped(format, prefixes) : derived(format, format.length, prefixes);
  return withImports(own, imports);
}

function withImports(own: OwnFormat, imports: readonly ImportedForm[]): KeyFormat {
  const isImported = (presented: string) => imports.some((form) => form.fits(presented));
  return {
    ...own,
    recognizes: (presented) => own.prefixes.some((prefix) => presented.startsWith(prefix)) || isImported(presented),
    secretOf: (presented) => own.secretOf(presented) ?? (isImported(presented) ? presented : undefined),
    importedHashesOf: (presented) => imports.flatMap((form) => (form.fits(presented) && form.hashOf(presented)) || []),
    locate: (presented) => imports.flatMap((form) => (form.fits(presented) && form.locate(presented)) || []),
  };
}

function workosFormat(prefixes: readonly string[]): OwnFormat {
  return {
    prefixes,
    has: () => true,
    handOut: (workosSecret) => workosSecret,
    show: (_value, _environment, workosShows) => workosShows,
    secretOf: wordOf,
    fits: () => true,
    read: (presented) => bare(wordOf(presented)),
  };
}

function wordOf(presented: string): string | undefined {
  return WORKOS_KEY.test(presented) ? presented : undefined;
}

function bare(secret: string | undefined): ReadKey | undefined {
  return secret === undefined ? undefined : { environment: undefined, secret, workosSecret: secret };
}

/** The product's prefix instead of WorkOS's, then WorkOS's secret, then the checksum if configured. */
function wrapped(rules: KeyFormatRules, prefixes: readonly string[]): OwnFormat {
  const { checksum } = rules;
  const tail = checksum ? CHECKSUM_LENGTH : 0;

  function secretIn(presented: string, head: string): string | undefined {
    const rest = presented.length - head.length - tail;
    if (rest < MIN_REST || rest > MAX_REST || !consistsOf(WORD, presented, head.length)) return undefined;
    if (checksum && !endsWithChecksum(presented)) return undefined;
    return secretOfRest(presented.slice(head.length, presented.length - tail));
  }

  return withPrefixes(rules, prefixes, {
    secretIn,
    workosSecretOf: (secret) => secret,
    handOut: (workosSecret, head) => withTail(head + restOf(workosSecret), checksum),
  });
}

/** A fixed length: the product's prefix, characters derived from WorkOS's secret, the checksum if configured. */
function derived(rules: KeyFormatRules, length: number, prefixes: readonly string[]): OwnFormat {
  const { checksum } = rules;
  const tail = checksum ? CHECKSUM_LENGTH : 0;
  return withPrefixes(rules, prefixes, {
    secretIn: (presented, head) =>
      presented.length === length &&
      consistsOf(LETTERS_AND_DIGITS, presented, head.length) &&
      (!checksum || endsWithChecksum(presented))
        ? presented
        : undefined,
    workosSecretOf: () => undefined,
    handOut: (workosSecret, head) => withTail(head + deriveBase62(workosSecret, length - head.length - tail), checksum),
  });
}

type Own = {
  secretIn: (presented: string, head: string) => string | undefined;
  workosSecretOf: (secret: string) => string | undefined;
  handOut: (workosSecret: string, head: string) => string;
};

function withPrefixes({ live, test, accept_bare }: KeyFormatRules, prefixes: readonly string[], own: Own): OwnFormat {
  const headOf = (presented: string) => {
    if (presented.startsWith(live)) return live;
    return test !== undefined && presented.startsWith(test) ? test : undefined;
  };
  const bareSecret = (presented: string) =>
    accept_bare && prefixes.some((prefix) => presented.startsWith(prefix)) ? wordOf(presented) : undefined;
  const prefixOf = (environment: Environment) => {
    const head = environment === 'live' ? live : test;
    if (head === undefined) throw new Error('api_keys.format.test is not configured');
    return head;
  };
  return {
    prefixes: [live, ...(test === undefined ? [] : [test]), ...(accept_bare ? prefixes : [])],
    has: (environment) => environment === 'live' || test !== undefined,
    handOut: (workosSecret, environment) => own.handOut(workosSecret, prefixOf(environment)),
    show: (value, environment) => `${prefixOf(environment)}...${value.slice(-SHOWN)}`,
    secretOf(presented) {
      const head = headOf(presented);
      return head === undefined ? bareSecret(presented) : own.secretIn(presented, head);
    },
    fits(presented, environment) {
      const head = headOf(presented);
      return head === undefined || head === (environment === 'live' ? live : test);
    },
    read(presented) {
      const head = headOf(presented);
      if (head === undefined) return bare(bareSecret(presented));
      const secret = own.secretIn(presented, head);
      if (secret === undefined) return undefined;
      return { environment: head === live ? 'live' : 'test', secret, workosSecret: own.workosSecretOf(secret) };
    },
  };
}

function withTail(text: string, checksum: boolean): string {
  return checksum ? text + checksumOf(text) : text;
}

/** Returns the part of WorkOS's secret that stands behind the product's prefix. */
function restOf(workosSecret: string): string {
  const isUsual = workosSecret.startsWith(WORKOS_PREFIX) && workosSecret[WORKOS_PREFIX.length] !== WHOLE;
  return isUsual ? workosSecret.slice(WORKOS_PREFIX.length) : WHOLE + workosSecret;
}

function secretOfRest(rest: string): string | undefined {
  if (rest.charCodeAt(0) !== WHOLE_CODE) return WORKOS_PREFIX + rest;
  const whole = rest.slice(1);
  // Each secret has exactly one spelling.
  return WORKOS_KEY.test(whole) && restOf(whole) === rest ? whole : undefined;
}

/** Returns a table of the ASCII codes that match. */
function codesOf(characters: RegExp): Uint8Array {
  return Uint8Array.from({ length: 128 }, (_, code) => (characters.test(String.fromCharCode(code)) ? 1 : 0));
}

function consistsOf(codes: Uint8Array, text: string, from: number): boolean {
  for (let i = from; i < text.length; i++) if (codes[text.charCodeAt(i)] !== 1) return false;
  return true;
}
