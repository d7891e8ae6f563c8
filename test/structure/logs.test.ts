import { expect, test } from 'vitest';
import { readModules } from './modules.ts';

/** The messages of a source's log calls that are made of parts, and so cannot be searched for. */
function composedMessages(text: string): string[] {
  const calls = [
    ...text.matchAll(/\blog\.(?:trace|debug|info|warn|error|fatal)\((?:\{[^}]*\},\s*)?(`[^`]*`|'[^']*'\s*\+)/g),
  ];
  return calls.map(([, message]) => message!).filter((message) => message.includes('${') || message.endsWith('+'));
}

test('log messages are constant', () => {
  const served = readModules().filter(({ path }) => !path.startsWith('emulator/') && !path.startsWith('../'));
  expect(served.filter(({ text }) => /\blog\.\w+\(/.test(text)).length).toBeGreaterThan(15);
  expect(served.flatMap(({ path, text }) => composedMessages(text).map((message) => `${path}: ${message}`))).toEqual(
    [],
  );
});

test.each([
  'log.warn({ err }, `lost ${name}`);',
  'log.info(`lost ${name}`);',
  "log.error({ err: error }, 'lost ' + name);",
])('a composed one is found: %s', (call) => {
  expect(composedMessages(call)).toHaveLength(1);
});
