import type { KeyFormatRules, KeyRules } from '../../product/key-rules.ts';
import { deriveLetters } from './derived-secret.ts';
import { CHECKSUM_LETTERS, checksumOf, endsWithChecksum } from './key-checksum.ts';
import type { Environment } from '../key.ts';

/** A presented key, taken apart. */
export type ReadKey = {
  /** Undefined where the key's form does not say. */
  environment: Environment | undefined;
  /** What the mirror knows the key by, hashed. */
  secret: string;
  /** What WorkOS knows it by; undefined where that cannot be had back. */
  workosSecret: string | undefined;
};

export type KeyFormat = {
  /** How a presented credential begins, if it is an API key. */
  prefixes: readonly string[];
  /** Whether keys of this environment have a form. */
  has(environment: Environment): boolean;
  /** The key as its owner gets it, made of WorkOS's secret. */
  handOut(workosSecret: string, environment: Environment): string;
  /** How the key is shown to people; `workosShows` is WorkOS's own obfuscated form. */
  show(value: string, environment: Environment, workosShows: string): string;
  /** The secret of a presented key. Undefined: it is no key, which is known without looking for it. */
  secretOf(presented: string): string | undefined;
  /** Whether the form of a presented key, which is one, allows for a key of this environment. */
  fits(presented: string, environment: Environment): boolean;
  read(presented: string): ReadKey | undefined;
};

/** Of the secrets that WorkOS issues: opaque words. */
const WORKOS_KEY = /^[A-Za-z][\w-]{15,250}$/;
const WORKOS_PREFIX = 'sk_';
/** Behind the product's prefix, says that what follows is all of WorkOS's secret; else it is what follows `sk_`. */
const WHOLE = '_';
const WHOLE_CODE = WHOLE.charCodeAt(0);
const MIN_REST = 16 - WORKOS_PREFIX.length;
/** The marker and the longest secret. */
const MAX_REST = 1 + 251;
const SHOWN = 4;

const LETTERS_AND_DIGITS = codesOf(/[A-Za-z0-9]/);
const WORD = codesOf(/[\w-]/);

/** The form of the product's keys, by its configuration; WorkOS's own where it says nothing. */
export function makeKeyFormat({ format, prefixes }: Pick<KeyRules, 'format' | 'prefixes'>): KeyFormat {
  if (!format) return workosFormat(prefixes);
  return format.length === undefined ? wrapped(format, prefixes) : derived(format, format.length, prefixes);
}

function workosFormat(prefixes: readonly string[]): KeyFormat {
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

/** The product's prefix in the place of WorkOS's, and a checksum behind it if there is one. */
function wrapped(rules: KeyFormatRules, prefixes: readonly string[]): KeyFormat {
  const { checksum } = rules;
  const tail = checksum ? CHECKSUM_LETTERS : 0;

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

/** A word of its own of a fixed length, that follows from WorkOS's secret. */
function derived(rules: KeyFormatRules, length: number, prefixes: readonly string[]): KeyFormat {
  const { checksum } = rules;
  const tail = checksum ? CHECKSUM_LETTERS : 0;
  return withPrefixes(rules, prefixes, {
    secretIn: (presented, head) =>
      presented.length === length &&
      consistsOf(LETTERS_AND_DIGITS, presented, head.length) &&
      (!checksum || endsWithChecksum(presented))
        ? presented
        : undefined,
    workosSecretOf: () => undefined,
    handOut: (workosSecret, head) =>
      withTail(head + deriveLetters(workosSecret, length - head.length - tail), checksum),
  });
}

type Own = {
  secretIn: (presented: string, head: string) => string | undefined;
  workosSecretOf: (secret: string) => string | undefined;
  handOut: (workosSecret: string, head: string) => string;
};

function withPrefixes({ live, test, accept_bare }: KeyFormatRules, prefixes: readonly string[], own: Own): KeyFormat {
  const headOf = (presented: string) => {
    if (presented.startsWith(live)) return live;
    return test !== undefined && presented.startsWith(test) ? test : undefined;
  };
  const bareSecret = (presented: string) =>
    accept_bare && prefixes.some((prefix) => presented.startsWith(prefix)) ? wordOf(presented) : undefined;
  const prefixOf = (environment: Environment) => {
    const head = environment === 'live' ? live : test;
    if (head === undefined) throw new Error('the configuration gives keys of the test environment no form');
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

/** What of WorkOS's secret stands behind the product's prefix. */
function restOf(workosSecret: string): string {
  const isUsual = workosSecret.startsWith(WORKOS_PREFIX) && workosSecret[WORKOS_PREFIX.length] !== WHOLE;
  return isUsual ? workosSecret.slice(WORKOS_PREFIX.length) : WHOLE + workosSecret;
}

function secretOfRest(rest: string): string | undefined {
  if (rest.charCodeAt(0) !== WHOLE_CODE) return WORKOS_PREFIX + rest;
  const whole = rest.slice(1);
  // There is one way to write each secret.
  return WORKOS_KEY.test(whole) && restOf(whole) === rest ? whole : undefined;
}

/** Which of the first 128 characters these are. */
function codesOf(characters: RegExp): Uint8Array {
  return Uint8Array.from({ length: 128 }, (_, code) => (characters.test(String.fromCharCode(code)) ? 1 : 0));
}

function consistsOf(codes: Uint8Array, text: string, from: number): boolean {
  for (let i = from; i < text.length; i++) if (codes[text.charCodeAt(i)] !== 1) return false;
  return true;
}
