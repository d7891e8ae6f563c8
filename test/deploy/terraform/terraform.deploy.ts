import { copyFileSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { VARIABLES } from '../../../src/app/read-config.ts';
import { readValues } from '../helm/chart.ts';
import { buildGo, DEPLOY, fileFolder, runTool, tryTool } from '../tools.ts';

// There is no terraform in CI, and no provider: what is checked is the form, the names within the example, and what it hands the
// chart. No plan was made of it.

type Read = {
  unformatted: string[] | null;
  declared: string[];
  referred: string[];
  values: string[];
  secrets: Record<string, string[]>;
};

const FOLDER = join(DEPLOY, 'terraform');
const FILES = ['database.tf', 'latchkey.tf', 'variables.tf', 'versions.tf'];
const folder = fileFolder();
const program = buildGo(join(import.meta.dirname, 'read.go'), folder);
const read = (path: string) => JSON.parse(runTool(program, [path])) as Read;
const example = read(FOLDER);

/** The example with a change in one file. */
function changed(file: string, from: string, to: string): string {
  for (const name of FILES) copyFileSync(join(FOLDER, name), join(folder, name));
  const text = readFileSync(join(FOLDER, file), 'utf8');
  expect(text).toContain(from);
  writeFileSync(join(folder, file), text.replace(from, to));
  return folder;
}

const dangling = ({ referred, declared }: Read) =>
  referred.filter((name) => name !== 'path.module' && !declared.includes(name));

describe('deploy/terraform', () => {
  test('is as terraform fmt writes it', () => {
    expect(example.unformatted).toBeNull();
    expect(read(changed('database.tf', 'engine_version = "17"', 'engine_version   = "17"')).unformatted).toEqual([
      'database.tf',
    ]);
  });

  test('refers to nothing that it does not declare, and declares no variable in vain', () => {
    expect(dangling(example)).toEqual([]);
    const variables = example.declared.filter((name) => name.startsWith('var.'));
    expect(variables.length).toBeGreaterThan(8);
    expect(variables.filter((name) => !example.referred.includes(name))).toEqual([]);
    expect(dangling(read(changed('database.tf', 'var.subnet_group', 'var.subnets')))).toEqual(['var.subnets']);
  });

  test('with a broken block would be refused', () => {
    expect(tryTool(program, [changed('latchkey.tf', 'locals {', 'locals')]).status).toBe(1);
  });

  test('hands the chart values that it has', () => {
    expect(example.values.length).toBeGreaterThan(5);
    const [config, others] = [true, false].map((is) =>
      example.values.filter((path) => path.startsWith('config.') === is),
    );
    for (const path of others!) expect(readValues()).toHaveProperty(path);
    expect(config!.map((path) => path.slice('config.'.length)).filter((name) => !VARIABLES.includes(name))).toEqual([]);
  });

  test('makes the Secrets that the service and its job need', () => {
    const { latchkey = [], 'latchkey-migrate': owner } = example.secrets;
    expect(owner).toEqual(['DATABASE_URL']);
    expect(latchkey.filter((name) => !VARIABLES.includes(name))).toEqual([]);
    expect(latchkey).toEqual(
      expect.arrayContaining([
        'DATABASE_URL',
        'LATCHKEY_SECRET',
        'WORKOS_API_KEY',
        'WORKOS_CLIENT_ID',
        'WORKOS_COOKIE_PASSWORD',
      ]),
    );
  });
});

test('read.go is formatted', () => {
  expect(runTool('gofmt', ['-l', import.meta.dirname])).toBe('');
});
