import { assert, jsonValue, property, string } from 'fast-check';
import { expect, test } from 'vitest';
import { asciiJson } from '../../../src/http/fast-path/ascii-json.ts';

test('asciiJson writes the same value as JSON, in ASCII alone', () => {
  assert(
    property(jsonValue(), string({ unit: 'binary' }), (value, text) => {
      const json = asciiJson({ value, text });
      expect(json).toMatch(/^[\x20-\x7f]*$/);
      expect(JSON.parse(json)).toEqual(JSON.parse(JSON.stringify({ value, text })));
    }),
  );
});
