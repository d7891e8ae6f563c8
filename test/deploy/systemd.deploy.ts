import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { VARIABLES } from '../../src/app/read-config.ts';
import { DEPLOY, fileFolder, runTool, tryTool } from './tools.ts';

const MAX_EXPOSURE = 1.5;
const folder = fileFolder();
const read = (name: string) => readFileSync(join(DEPLOY, 'systemd', name), 'utf8');

/** The unit where systemd-analyze looks for it, with the Node of this machine in place of /usr/bin/node. */
function placed(name: string, text = read(name)): string {
  const path = join(folder, name);
  writeFileSync(path, text.replace('/usr/bin/node', process.execPath));
  return path;
}

describe.each(['latchkey.service', 'latchkey-migrate.service'])('%s', (name) => {
  test('is understood by systemd-analyze, which says nothing of it', () => {
    const { status, stdout, stderr } = tryTool('systemd-analyze', ['verify', '--man=no', placed(name)]);
    expect({ status, stdout, stderr }).toEqual({ status: 0, stdout: '', stderr: '' });
  });

  test('with a directive that does not exist is complained about', () => {
    const { stderr } = tryTool('systemd-analyze', [
      'verify',
      '--man=no',
      placed(`wrong-${name}`, `${read(name)}\n[Service]\nNoSuch=1\n`),
    ]);
    expect(stderr).toContain('NoSuch');
  });

  test(`has an exposure of at most ${MAX_EXPOSURE}`, () => {
    const table = runTool('systemd-analyze', ['security', '--offline=yes', placed(name)]);
    const [, exposure] = /Overall exposure level for \S+: ([\d.]+)/.exec(table) ?? [];
    expect(Number(exposure)).toBeGreaterThan(0);
    expect(Number(exposure)).toBeLessThanOrEqual(MAX_EXPOSURE);
  });
});

test('latchkey.env.example names variables of the service', () => {
  const names = Array.from(read('latchkey.env.example').matchAll(/^([A-Z_]+)=/gm), ([, name]) => name!);
  expect(names.length).toBeGreaterThan(10);
  expect(names.filter((name) => !VARIABLES.includes(name as never))).toEqual([]);
});
