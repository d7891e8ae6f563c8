import { describe, expect, it } from 'vitest';
import { expectContract } from './contract.ts';

const answer = (method: string, path: string, status: number, body: unknown) => ({
  method,
  url: `http://127.0.0.1${path}`,
  status,
  headers: new Headers({ 'content-type': 'application/json', 'x-request-id': 'r' }),
  text: JSON.stringify(body),
});

describe('the contract check', () => {
  it('passes an answer that fits', () => {
    expect(() => expectContract(answer('POST', '/api_keys/validations', 200, { api_key: null }))).not.toThrow();
    expect(() => expectContract(answer('DELETE', '/api_keys/api_key_1', 404, { message: 'gone' }))).not.toThrow();
  });

  it('fails on a body that does not fit its schema, through references, too', () => {
    expect(() => expectContract(answer('POST', '/api_keys/validations', 200, { api_key: { id: 'x' } }))).toThrow(
      /api_key/,
    );
    expect(() =>
      expectContract(
        answer('GET', '/organizations', 200, {
          object: 'list',
          data: [{ id: 1 }],
          list_metadata: { before: null, after: null },
        }),
      ),
    ).toThrow(/id must be string/);
  });

  it('fails on a status that the operation does not list', () => {
    expect(() => expectContract(answer('DELETE', '/api_keys/api_key_1', 409, { message: 'no' }))).toThrow(
      /nothing allows/,
    );
  });

  it('fails on a path that is not in the contract', () => {
    expect(() => expectContract(answer('GET', '/api_keys/api_key_1', 200, {}))).toThrow(/not in the contract/);
  });

  it('fails without a request id or with the wrong content type', () => {
    const good = answer('POST', '/api_keys/validations', 200, { api_key: null });
    expect(() => expectContract({ ...good, headers: new Headers({ 'content-type': 'application/json' }) })).toThrow(
      /request id/,
    );
    expect(() =>
      expectContract({ ...good, headers: new Headers({ 'content-type': 'text/plain', 'x-request-id': 'r' }) }),
    ).toThrow(/application/);
  });
});
