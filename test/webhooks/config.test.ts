import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { readConfig } from '../../src/app/read-config.ts';
import { makeWebhooksParts } from '../../src/app/webhooks.ts';
import { StartError } from '../../src/errors.ts';
import { parseProduct } from '../../src/product/read-product.ts';
import { newSecret } from './receiver.ts';

const text = readFileSync(new URL('../../config/evershell.yaml', import.meta.url), 'utf8');
const productWith = (endpoint: object) => {
  const complete = { name: 'crm', url: 'https://crm.example/hook', secret_env: 'LATCHKEY_NOTICES_SECRET', ...endpoint };
  return parseProduct(`${text}\nwebhooks:\n  endpoints:\n    - ${JSON.stringify(complete)}\n`, 'product.yaml');
};
const ENVIRONMENT = {
  DATABASE_URL: 'postgres://somewhere',
  WORKOS_API_KEY: 'sk_test',
  WORKOS_CLIENT_ID: 'client_test',
  WORKOS_COOKIE_PASSWORD: 'x'.repeat(32),
  LATCHKEY_SECRET: 'y'.repeat(32),
};
const lineOfEndpoint = text.split('\n').length + 3;

describe('the configuration takes', () => {
  test.each([
    { url: 'https://crm.example/hook?tenant=1' },
    { url: 'http://127.0.0.1:8080/hook' },
    { url: 'http://localhost/hook' },
    { url: 'http://[::1]:8080/hook' },
    { events: ['api_key.expiring'] },
  ])('%j', (endpoint) => {
    expect(productWith(endpoint).webhooks.endpoints).toMatchObject([endpoint]);
  });
});

describe('the configuration refuses, with the line,', () => {
  test.each([
    [{ url: 'http://crm.example/hook' }, 'needs an https address'],
    [{ url: 'https://user:pass@crm.example/hook' }, 'needs an https address'],
    [{ url: 'http://127.0.0.1.example/hook' }, 'needs an https address'],
    [{ url: 'file:///etc/passwd' }, 'needs an https address'],
    [{ url: 'crm' }, 'needs an https address'],
    [{ name: 'workos' }, "'workos' is the name of WorkOS Audit Logs"],
    [{ name: 'Sales CRM' }, 'needs lower-case letters'],
    [{ secret_env: 'DATABASE_URL' }, 'needs a name that begins with LATCHKEY_NOTICES_SECRET'],
    [{ events: ['api_key.updated'] }, 'Invalid option'],
    [{ events: [] }, 'Too small'],
    [{ secret: 'whsec_in_the_file' }, 'Unrecognized key'],
  ])('%j', (endpoint, reason) => {
    expect(() => productWith(endpoint)).toThrow(StartError);
    expect(() => productWith(endpoint)).toThrow(
      new RegExp(`line ${lineOfEndpoint}: webhooks.endpoints.0.*${reason}`, 's'),
    );
  });

  test('two endpoints of one name', () => {
    const endpoint = '{ name: crm, url: "https://crm.example", secret_env: LATCHKEY_NOTICES_SECRET }';
    const twice = `${text}\nwebhooks: { endpoints: [${endpoint}, ${endpoint}] }\n`;
    expect(() => parseProduct(twice, 'product.yaml')).toThrow('webhooks.endpoints: has two endpoints of one name');
  });
});

describe('the old name of webhooks', () => {
  const section = '{ endpoints: [{ name: crm, url: "https://crm.example", secret_env: LATCHKEY_NOTICES_SECRET }] }';
  const line = text.split('\n').length + 1;

  test('configures the same, and is reported once with its line', () => {
    const found: unknown[] = [];
    const old = parseProduct(`${text}\nnotices: ${section}\n`, 'product.yaml', (name) => found.push(name));
    expect(old).toEqual(parseProduct(`${text}\nwebhooks: ${section}\n`, 'product.yaml'));
    expect(found).toEqual([{ old: 'notices', name: 'webhooks', line }]);
  });

  test('is refused beside the new name', () => {
    const both = `${text}\nnotices: ${section}\nwebhooks: ${section}\n`;
    expect(() => parseProduct(both, 'product.yaml')).toThrow(StartError);
    expect(() => parseProduct(both, 'product.yaml')).toThrow(
      `line ${line}: notices: is the old name of webhooks, which is there, too; keep one`,
    );
  });

  test('is named in errors as the file has it', () => {
    const wrong = `${text}\nnotices: { endpoints: [{ name: crm }] }\n`;
    expect(() => parseProduct(wrong, 'product.yaml')).toThrow(`line ${line}: notices.endpoints.0.url:`);
  });

  test('is not reported where the file has the new one', () => {
    const found: unknown[] = [];
    parseProduct(`${text}\nwebhooks: ${section}\n`, 'product.yaml', (name) => found.push(name));
    expect(found).toEqual([]);
  });
});

const secretsOf = (value: string) => readConfig({ ...ENVIRONMENT, LATCHKEY_NOTICES_SECRET_CRM: value }).endpointSecrets;

describe('the environment has the secrets:', () => {
  test('one, or several for a while', () => {
    const [old, next] = [newSecret(), newSecret()];
    expect(secretsOf(old)).toEqual({ LATCHKEY_NOTICES_SECRET_CRM: [old] });
    expect(secretsOf(`${next}, ${old}`)).toEqual({ LATCHKEY_NOTICES_SECRET_CRM: [next, old] });
  });

  test.each(['secret', 'whsec_short', `whsec_${'é'.repeat(32)}`])('%s is none, and is not repeated', (value) => {
    expect(() => secretsOf(value)).toThrow(/LATCHKEY_NOTICES_SECRET_CRM.*needs whsec_/);
    expect(() => secretsOf(value)).not.toThrow(value === 'secret' ? 'secret ' : value);
  });

  test('stops the start when the variable of an endpoint is missing, and names both', () => {
    const product = productWith({ secret_env: 'LATCHKEY_NOTICES_SECRET_CRM' });
    const parts = { product, config: readConfig(ENVIRONMENT) } as unknown as Parameters<typeof makeWebhooksParts>[0];
    expect(() => makeWebhooksParts(parts)).toThrow(StartError);
    expect(() => makeWebhooksParts(parts)).toThrow("LATCHKEY_NOTICES_SECRET_CRM: is missing, for the endpoint 'crm'");
  });
});
