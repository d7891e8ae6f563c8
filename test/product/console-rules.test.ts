import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { stringify } from 'yaml';
import { variableOf } from '../../src/product/console-rules.ts';
import { parseProduct, readProduct } from '../../src/product/read-product.ts';

const text = readFileSync(new URL('../../config/evershell.yaml', import.meta.url), 'utf8');
const withConsole = (section: unknown) => parseProduct(`${text}\n${stringify({ console: section })}`, 'x.yaml');

describe('the console section', () => {
  test('has a default for every field that has one', () => {
    expect(parseProduct(text, 'x.yaml').console).toEqual({
      enabled: true,
      section: 'API keys',
      create: 'Create API key',
      revoke: 'button',
      header: 'Authorization: Bearer',
      show_again: true,
      frame_ancestors: [],
      element_origins: [],
    });
  });

  test('takes origins, and http for loopback alone', () => {
    const origins = ['https://app.example.com', 'https://a.test:8443', 'http://localhost:5173', 'http://[::1]:3000'];
    expect(withConsole({ frame_ancestors: origins }).console.frame_ancestors).toEqual(origins);
  });

  test.each([
    ['an unknown field', { colour: 'red' }],
    ['an empty title', { section: '' }],
    ['a title of two lines', { section: 'API\nkeys' }],
    ['a title of 65 characters', { section: 'x'.repeat(65) }],
    ['another kind of button', { revoke: 'bin' }],
    ['a variable that no shell takes', { variable: 'API-KEY' }],
    ['a header with a line break', { header: 'Authorization: Bearer\nx: y' }],
    ['a header with a key in it', { header: 'Authorization: Bearer sk_1' }],
    ['an address without TLS', { base_url: 'http://api.example.com' }],
    ['an address that a shell would run', { base_url: 'https://api.example.com/$(id)' }],
    ['an address with a password', { base_url: 'https://a:b@api.example.com' }],
    ['an address that is none', { base_url: 'https://[::1::2]' }],
    ['an origin without TLS', { frame_ancestors: ['http://app.example.com'] }],
    ['an origin with a path', { frame_ancestors: ['https://app.example.com/'] }],
    ['an origin with another directive', { frame_ancestors: ['https://a.test; script-src *'] }],
    ['every origin', { frame_ancestors: ['*'] }],
    ['a host that only begins like loopback', { frame_ancestors: ['http://localhost.example.com'] }],
    ['21 origins', { frame_ancestors: Array.from({ length: 21 }, (_, i) => `https://a${i}.test`) }],
  ])('refuses %s', (_what, section) => {
    expect(() => withConsole(section)).toThrow(/console/);
  });

  test.each([
    ['evermuse', { section: 'API Keys', create: 'Create API Key', header: 'x-api-key', show_again: false }],
    ['mixus', { section: 'mixus API Keys', create: 'Generate API Key', revoke: 'trash' }],
    ['memsolus', { create: 'New API Key', variable: 'MEMSOLUS_API_KEY', header: 'X-Api-Key' }],
    ['embermind', { section: 'Admin Panel' }],
    ['evershell', { section: 'API keys', create: 'Create API key', show_again: true }],
  ])('has the words of the page of %s', (name, words) => {
    const file = new URL(`../../examples/systems/${name}.yaml`, import.meta.url);
    expect(readProduct(file).console).toMatchObject(words);
  });
});

describe('variableOf', () => {
  test.each([
    ['Evershell', undefined, 'EVERSHELL_API_KEY'],
    ['4th Wall – Söhne', undefined, 'TH_WALL_S_HNE_API_KEY'],
    ['鍵', undefined, 'API_KEY'],
    ['Evershell', 'MY_KEY', 'MY_KEY'],
  ])('makes of %s and %s the variable %s', (product, variable, made) => {
    expect(variableOf(product, { variable })).toBe(made);
  });
});
