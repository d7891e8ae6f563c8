import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { PROVIDERS, SOURCES } from '../../../src/billing/webhooks/providers.ts';
import { readModules } from '../../structure/modules.ts';

const FOLDER = join(import.meta.dirname, '../../../src/billing/webhooks');
const folders = readdirSync(FOLDER, { withFileTypes: true }).flatMap((entry) =>
  entry.isDirectory() ? [entry.name] : [],
);
/** How a provider could be named in code that must not know it. */
const NAMES = new RegExp(
  [
    ...SOURCES.filter((source) => source !== 'billing'),
    ...PROVIDERS.flatMap(({ variable, signature, route }) => [variable.name, signature.scheme.name, route.path]),
  ].join('|'),
  'i',
);
const naming = (modules: readonly { path: string; text: string }[]) =>
  modules
    .filter(({ path, text }) => /^(?:http|config|telemetry)\//.test(path) && NAMES.test(text))
    .map(({ path }) => path);

test('every folder of a provider is in the list, once', () => {
  expect(PROVIDERS).toHaveLength(folders.length);
  for (const values of [
    SOURCES,
    PROVIDERS.map(({ variable }) => variable.name),
    PROVIDERS.map(({ route }) => route.path),
    PROVIDERS.map(({ route }) => route.operationId),
  ])
    expect(new Set(values).size).toBe(PROVIDERS.length);
});

test('no source is a word that the inbox uses itself, and each has the form that the table wants', () => {
  for (const source of SOURCES) {
    expect(['foreign', 'unreadable', 'refused']).not.toContain(source);
    expect(source).toMatch(/^[a-z][a-z0-9_]{0,31}$/);
  }
});

test('http, config and telemetry name no provider', () => {
  expect(naming(readModules())).toEqual([]);
  expect(naming([{ path: 'http/planted.ts', text: "path: '/v1/hooks/stripe'" }])).toEqual(['http/planted.ts']);
});
