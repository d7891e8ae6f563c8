import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { parse } from 'yaml';
import { Seed } from '../../src/emulator/seed.ts';
import { ProductFile } from '../../src/product/product.ts';
import { readProduct } from '../../src/product/read-product.ts';
import { blocksOf, documents, pages, ROOT } from './pages.ts';
import type { Block } from './pages.ts';

const CHECKED = ['sh', 'bash', 'js', 'ts', 'yaml', 'json', 'sql'];
const MARKERS = /^(?:run: [\w-]+(?:; prints: .+)?(?:; exits: \d)?|checked by: \S+|not run: .+)$/;

const examples = pages().filter((path) => path.startsWith('examples/'));
const blocks = [...documents(), ...examples].flatMap(blocksOf).filter(({ language }) => CHECKED.includes(language));
const at = ({ page, line, language, marker = 'no marker' }: Block) => `${page}:${line} ${language}: ${marker}`;
const here = 'checked by: test/documents/snippets.test.ts';

test('every command, snippet and configuration of the documents says what plays it', () => {
  expect(blocks.length).toBeGreaterThan(40);
  const parsed = ['json', 'yaml'];
  const open = blocks.filter(({ marker, language }) => marker === undefined && !parsed.includes(language));
  expect(open.map(at)).toEqual([]);
  const unknown = blocks.filter(({ marker }) => marker !== undefined && !MARKERS.test(marker));
  expect(unknown.map(at)).toEqual([]);
});

test('every test that a block names is there and names the page', () => {
  const named = blocks.filter(({ marker }) => marker?.startsWith('checked by: ') && marker !== here);
  const wrong = named.filter(({ page, marker }) => {
    const file = join(ROOT, marker!.slice('checked by: '.length));
    return !existsSync(file) || !readFileSync(file, 'utf8').includes(page);
  });
  expect(wrong.map(at)).toEqual([]);
});

test('only what needs the internet, an account or root is not run', () => {
  const left = blocks.filter(({ marker }) => marker?.startsWith('not run: '));
  expect(left.filter(({ marker }) => !/account|internet|registry|root|own/.test(marker!)).map(at)).toEqual([]);
});

test('every piece of JSON is JSON', () => {
  const texts = blocks.filter(({ language }) => language === 'json');
  expect(texts.length).toBeGreaterThan(1);
  for (const { text } of texts) expect(() => JSON.parse(text) as unknown).not.toThrow();
});

test('every piece of a configuration is accepted in the configuration file', () => {
  const usual = readProduct(new URL('../../config/evershell.yaml', import.meta.url));
  const pieces = blocks.filter(({ language, marker }) => language === 'yaml' && marker === undefined);
  expect(pieces.length).toBeGreaterThan(3);
  const refused = pieces.flatMap((block) => {
    const { error } = ProductFile.safeParse({ ...usual, ...(parse(block.text) as object) });
    return error === undefined ? [] : [`${at(block)} ${error.message}`];
  });
  expect(refused).toEqual([]);
});

test('the world of the local WorkOS is accepted as a seed', () => {
  const [world, ...others] = blocks.filter(({ language, marker }) => language === 'yaml' && marker === here);
  expect(others).toEqual([]);
  expect(Seed.safeParse(parse(world!.text)).error).toBeUndefined();
});
