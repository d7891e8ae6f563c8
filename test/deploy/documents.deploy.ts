import { expect, test } from 'vitest';
import { blocksOf } from '../documents/pages.ts';
import { compose } from './compose.ts';

// The commands with Docker of README.md and docs/tutorials/deploy-with-compose.md. There is no Docker here: what they name (files,
// services, variables) is looked up in what docker-compose makes of the files; image.deploy.ts runs first-key.mjs.

const VERBS = new Map([
  ['up', []],
  ['down', []],
  ['ps', []],
  ['run', ['api']],
  ['stop', ['postgres']],
  ['exec', ['postgres-b']],
]);
const GIVEN =
  'POSTGRES_PASSWORD LATCHKEY_DATABASE_PASSWORD LATCHKEY_SECRET LATCHKEY_SERVICE_TOKENS ' +
  'WORKOS_API_KEY WORKOS_CLIENT_ID WORKOS_COOKIE_PASSWORD LATCHKEY_REPLICATION_PASSWORD';
const ENV = Object.fromEntries(GIVEN.split(' ').map((name) => [name, 'given']));

const lines = ['README.md', 'docs/tutorials/deploy-with-compose.md'].flatMap((page) =>
  blocksOf(page)
    .filter(({ marker }) => marker === 'checked by: test/deploy/documents.deploy.ts')
    .flatMap(({ text }) => text.trim().split('\n'))
    .map((line) => ({ page, line })),
);
const composed = lines.filter(({ line }) => line.startsWith('docker compose '));

test.each(composed)('$page: $line', ({ line }) => {
  const [, ...words] = line.split(' ').slice(1);
  const options: Record<string, string[]> = {};
  while (words[0]?.startsWith('--')) (options[words.shift()!] ??= []).push(words.shift()!);
  const [envFile] = options['--env-file'] ?? [];
  const { status, stdout, stderr } = compose(options['--file']!, envFile === undefined ? ENV : {}, envFile);
  expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
  const [verb, ...rest] = words;
  expect([...VERBS.keys()]).toContain(verb);
  for (const service of VERBS.get(verb!)!) {
    expect(rest).toContain(service);
    expect(stdout).toContain(`\n  ${service}:\n`);
  }
});

test('every other line is known', () => {
  expect(composed.length).toBeGreaterThan(7);
  const others = lines.filter((line) => !composed.includes(line)).map(({ line }) => line);
  expect(new Set(others)).toEqual(
    new Set([
      'docker exec latchkey-demo-workos /nodejs/bin/node /demo/first-key.mjs',
      'echo "LATCHKEY_REPLICATION_PASSWORD=$(openssl rand -hex 32)" >> deploy/.env',
    ]),
  );
});
